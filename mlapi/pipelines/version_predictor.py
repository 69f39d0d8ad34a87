"""A loaded version: the predictors of its pipelines as one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from mlapi import pipelines
from mlapi.domain import FeatureSource, NoPrediction, Prediction, TargetSpec
from mlapi.pipelines.base import Predictor

log = structlog.get_logger(__name__)

NOT_LOADED = ("part_not_loaded", "This control's part of the version could not be loaded.")


def load(parts: Mapping[str, bytes]) -> "VersionPredictor":
    """The version whose artifact was split into these, with those of its pipelines that load.

    Raises what the first one raises where none does.
    """
    found: dict[str, Predictor] = {}
    errors: dict[str, Exception] = {}
    for name, part in parts.items():
        try:
            found[name] = pipelines.get(name).load(part)
        except Exception as e:  # noqa: BLE001 - a part may fail in any way, and the others serve
            errors[name] = e
    if errors and not found:
        raise next(iter(errors.values()))
    for name, error in errors.items():
        log.error("part_does_not_load", pipeline=name, error=f"{type(error).__name__}: {error}")
    return VersionPredictor(found, frozenset(errors))


class VersionPredictor(Predictor):
    """Gives each pipeline the targets that it fills. `failed` are the pipelines that did not load.

    A task's target of one of those has no prediction, and the reason.
    """

    def __init__(self, parts: Mapping[str, Predictor], failed: frozenset[str] = frozenset()):
        self.parts = parts
        self.failed = failed
        self.targets = tuple(
            replace(target, pipeline=name)
            for name, part in parts.items()
            for target in part.targets
        )
        self.pipelines = (*parts, *sorted(failed))
        self.nbytes = sum(part.nbytes for part in parts.values())

    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: FeatureSource | None = None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        todays = self.targets if specs is None else specs
        lost = [target.name for target in todays if target.pipeline in self.failed]
        found: list[dict[str, Prediction | NoPrediction]] = [
            {name: NoPrediction(name, *NOT_LOADED) for name in lost} for _ in rows
        ]
        for name, part in self.parts.items():
            own = [target for target in todays if target.pipeline == name]
            if own:
                for answers, more in zip(found, part.predict(rows, own, store), strict=True):
                    answers.update(more)
        return found
