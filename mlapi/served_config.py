"""Resolves a label config to pipeline and targets, and derives a task's labels."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from mlapi import label_types, pipelines
from mlapi.domain import InputError, Match, TargetSpec
from mlapi.inputs import Input
from mlapi.labelstudio import consensus
from mlapi.labelstudio.label_config import InvalidLabelConfig, parse
from registry.actions.tasks import DerivedLabels
from registry.label_renames import NO_RENAMES, Renames
from registry.splits import input_key

if TYPE_CHECKING:  # it imports numpy, which a label config is matched without
    from mlapi.pipelines.version_predictor import VersionPredictor
    from registry.models import Project


@dataclass(frozen=True)
class ServedConfig:
    """The pipeline and targets that serve a config; or the reason why none does.

    `options` are those that are set for each control. `is_valid` is False for a config that cannot
    be parsed.
    """

    match: Match
    fingerprint: str
    unserved_reason: str
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_valid: bool = True

    @property
    def pipeline(self) -> str:
        """The names of the pipelines that serve it, as one text; "" if none does."""
        return self.match.pipeline

    @property
    def targets(self) -> tuple[TargetSpec, ...]:
        """The targets that they fill."""
        return self.match.targets

    def display(self, data: dict[str, Any]) -> tuple[Literal["text", "image"], str] | None:
        """The text or address that a task is shown with: of the first target that has one."""
        for target in self.targets:
            read = pipelines.get(target.pipeline).input
            with contextlib.suppress(InputError):
                return read.display_kind, read.display_text(data, target)
        return None

    def thumbnail(
        self, project: "Project", data: dict[str, Any], *, large: bool = False
    ) -> bytes | None:
        """A small JPEG of the task: of the first target that has one. Raises NoThumbnail."""
        made = (
            pipelines.get(target.pipeline).input.thumbnail(project, data, target, large=large)
            for target in self.targets
        )
        return next((content for content in made if content is not None), None)

    @cached_property
    def _by_medium(self) -> list[tuple[Input, list[TargetSpec]]]:
        return pipelines.by_medium(self.targets)

    def _keys(self, data: dict[str, Any]) -> list[str]:
        """The inputs of all targets, normalised; pipelines of one medium share them."""
        return [key for read, targets in self._by_medium for key in read.keys(data, targets)]

    def derive_labels(
        self,
        project_uid: str,
        data: dict[str, Any],
        annotations: Iterable[Mapping[str, Any]],
        since: Mapping[str, str],
        renames: Renames = NO_RENAMES,
    ) -> DerivedLabels:
        """Labels, ties and input key of a task; `since` and `renames` as in `consensus`."""
        if not self.targets:
            return DerivedLabels({}, {}, [], "")
        labels, ties = consensus.consensus(annotations, self.targets, since, renames)
        classes = {
            t.name: label_types.stored_classes(t, labels[t.name])
            for t in self.targets
            if t.name in labels
        }
        return DerivedLabels(labels, classes, ties, input_key(project_uid, self._keys(data)))

    def no_input_key(self, project_uid: str) -> str:
        """The input key of a task without any input."""
        return self.derive_labels(project_uid, {}, (), {}).input_key

    def since(
        self, before: "ServedConfig | None", known: Mapping[str, str], now: str
    ) -> dict[str, str]:
        """When each target joined the config, for those that were not in the one before.

        Without one before, the controls count as old. A control that takes several labels where it
        took a single one is another control.
        """
        shapes_before = {t.name: label_types.shape_of(t) for t in before.targets} if before else {}
        joined = {
            t.name: known.get(t.name)
            if shapes_before.get(t.name) == label_types.shape_of(t)
            else now
            for t in self.targets
            if before
        }
        return {name: when for name, when in joined.items() if when}


def resolve(label_config: str, options: Mapping[str, Any] = pipelines.NO_OPTIONS) -> ServedConfig:
    """The pipeline and targets for a label config under these options.

    Cached per process. A config that cannot be parsed is invalid and has no targets.
    """
    return _resolve(label_config, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=128)
def _resolve(label_config: str, options: str) -> ServedConfig:
    try:
        config, chosen = parse(label_config), json.loads(options)
    except InvalidLabelConfig as e:
        no_match = Match()
        return ServedConfig(no_match, pipelines.fingerprint(no_match), e.message, is_valid=False)
    match = pipelines.match(config, chosen)
    return ServedConfig(
        match,
        pipelines.fingerprint(match),
        pipelines.why_not(match),
        pipelines.options_of(config, chosen),
    )


def targets_of(
    predictor: "VersionPredictor", label_config: str, options: Mapping[str, Any]
) -> tuple[TargetSpec, ...]:
    """The targets that a version fills of the label config. Raises InvalidLabelConfig."""
    trained = tuple((target.name, target.pipeline) for target in predictor.targets)
    text = json.dumps(options, sort_keys=True)
    return _targets_of(predictor.pipelines, trained, label_config, text)


@lru_cache(maxsize=128)
def _targets_of(
    names: tuple[str, ...], trained: tuple[tuple[str, str], ...], label_config: str, options: str
) -> tuple[TargetSpec, ...]:
    return pipelines.targets_of(names, dict(trained), parse(label_config), json.loads(options))
