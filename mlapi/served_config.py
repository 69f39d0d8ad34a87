"""What a label config asks of us, and what a task's annotations answer to it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlapi import pipelines
from mlapi.domain import InputError, Match, TargetSpec
from mlapi.labelstudio import consensus
from mlapi.labelstudio.label_config import InvalidLabelConfig, parse
from registry.actions.tasks import DerivedLabels
from registry.splits import input_key


@dataclass(frozen=True)
class ServedConfig:
    """What serves a config, with the fingerprint of its targets; or the reason why nothing does.

    `is_valid` is False for a config that cannot be parsed.
    """

    match: Match
    fingerprint: str
    unserved_reason: str
    is_valid: bool = True

    @property
    def pipeline(self) -> str:
        """The name of the pipeline that serves it; "" if none does."""
        return self.match.pipeline

    @property
    def targets(self) -> tuple[TargetSpec, ...]:
        """The targets that the pipeline fills."""
        return self.match.targets

    @property
    def uses_images(self) -> bool:
        """Whether the tasks are read as images."""
        return bool(self.targets) and pipelines.get(self.pipeline).uses_images

    def input_of(self, data: dict[str, Any]) -> str | None:
        """The text or address that a task is shown with: of the first target that has one."""
        for target in self.targets:
            try:
                return str(pipelines.get(self.pipeline).read_input(data, target))
            except InputError:
                continue
        return None

    def derive_labels(
        self,
        project_uid: str,
        data: dict[str, Any],
        annotations: Iterable[Mapping[str, Any]],
        since: Mapping[str, str],
    ) -> DerivedLabels:
        """Labels, ties and input key of a task; `since` as in `consensus.consensus`."""
        if not self.targets:
            return {}, [], ""
        parts = pipelines.get(self.pipeline).input_key_parts(data, self.targets)
        return *consensus.consensus(annotations, self.targets, since), input_key(project_uid, parts)

    def since(
        self, before: "ServedConfig | None", known: Mapping[str, str], now: str
    ) -> dict[str, str]:
        """When each target joined the config, for those that were not in the one before.

        Without one before, nobody knows when its controls came, and they count as old. One
        that takes several labels where it took a single one is another control.
        """
        were = {t.name: t.kind for t in before.targets} if before else {}
        joined = {
            t.name: known.get(t.name) if were.get(t.name) == t.kind else now
            for t in self.targets
            if before
        }
        return {name: when for name, when in joined.items() if when}


def resolve(label_config: str, options: Mapping[str, Any] = pipelines.NO_OPTIONS) -> ServedConfig:
    """What a label config asks for of a project with these options.

    Worked out once per process for each config and options. One that cannot be parsed asks for
    nothing.
    """
    return _resolve(label_config, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=128)
def _resolve(label_config: str, options: str) -> ServedConfig:
    try:
        match = pipelines.match(parse(label_config), json.loads(options))
    except InvalidLabelConfig as e:
        nothing = Match("", ())
        return ServedConfig(nothing, pipelines.fingerprint(nothing), e.message, is_valid=False)
    return ServedConfig(match, pipelines.fingerprint(match), pipelines.why_not(match))


def targets_of(
    pipeline: str, label_config: str, options: Mapping[str, Any]
) -> tuple[TargetSpec, ...]:
    """What one pipeline fills of a config, whichever serves it. Raises InvalidLabelConfig."""
    return _targets_of(pipeline, label_config, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=128)
def _targets_of(pipeline: str, label_config: str, options: str) -> tuple[TargetSpec, ...]:
    return pipelines.get(pipeline).match(parse(label_config), json.loads(options)).targets
