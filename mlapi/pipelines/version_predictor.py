"""A loaded version: the predictors of its parts as one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from mlapi import pipelines
from mlapi.domain import NoPrediction, Prediction, TargetSpec
from mlapi.images.features import InputSource
from mlapi.pipelines.batches import Batches
from mlapi.pipelines.part_names import pipeline_of
from mlapi.pipelines.predictor import Predictor

log = structlog.get_logger(__name__)

NOT_LOADED = ("part_not_loaded", "This control's part of the version could not be loaded.")


def load(parts: Mapping[str, bytes]) -> "VersionPredictor":
    """The version whose artifact was split into these, with those of its parts that load.

    Raises what the first one raises where none does.
    """
    found: dict[str, Predictor] = {}
    errors: dict[str, Exception] = {}
    for name, part in parts.items():
        try:
            found[name] = pipelines.get(pipeline_of(name)).load(part)
        except Exception as e:  # noqa: BLE001 - a part may fail in any way, and the others serve
            errors[name] = e
    if errors and not found:
        raise next(iter(errors.values()))
    for name, error in errors.items():
        log.error("part_does_not_load", part=name, error=f"{type(error).__name__}: {error}")
    return VersionPredictor(found, frozenset(errors))


class VersionPredictor(Predictor):
    """Gives each part the targets that it fills. `failed` are the parts that did not load.

    A task's target of one of those has no prediction, and the reason.
    """

    def __init__(self, parts: Mapping[str, Predictor], failed: frozenset[str] = frozenset()):
        self.parts = parts
        self.failed = failed
        self.targets = tuple(
            replace(target, pipeline=pipeline_of(name))
            for name, part in parts.items()
            for target in part.targets
        )
        self.pipelines = tuple(dict.fromkeys(map(pipeline_of, (*parts, *sorted(failed)))))
        self.nbytes = sum(part.nbytes for part in parts.values())
        self._reads_data = all(pipelines.get(pipeline_of(name)).input.in_data for name in parts)
        self._batches = Batches()
        self._each: tuple[VersionPredictor, ...] = ()
        if len(parts) + len(failed) > 1:
            lost = (VersionPredictor({}, frozenset({name})) for name in sorted(failed))
            loaded = (VersionPredictor({name: part}) for name, part in parts.items())
            self._each = (*lost, *loaded)

    def predict_shared(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec],
        store: InputSource,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        """As `predict`, in one batch with what other threads need at the same moment.

        Not so where inputs are fetched, for which a request may wait for a minute.
        """
        if not self._reads_data:
            return self.predict(rows, specs, store)
        return self._batches.predict(lambda r, s: self.predict(r, s, store), rows, specs)

    @property
    def each(self) -> "tuple[VersionPredictor, ...]":
        """Each part as a version of its own: one may fail on a task, and the others not.

        First those that did not load, as a task without a prediction has the first reason.
        """
        return self._each or (self,)

    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: InputSource | None = None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        todays = self.targets if specs is None else specs
        part_of = {target.name: self._part_of(target) for target in todays}
        lost = [name for name, part in part_of.items() if part in self.failed]
        found: list[dict[str, Prediction | NoPrediction]] = [
            {name: NoPrediction(name, *NOT_LOADED) for name in lost} for _ in rows
        ]
        for name, part in self.parts.items():
            own = [target for target in todays if part_of[target.name] == name]
            if own:
                for answers, more in zip(found, part.predict(rows, own, store), strict=True):
                    answers.update(more)
        return found

    def suggest(
        self,
        row: dict[str, Any],
        specs: Sequence[TargetSpec],
        drawn: Mapping[str, Any],
        store: InputSource | None,
    ) -> dict[str, Prediction]:
        found: dict[str, Prediction] = {}
        for name, part in self.parts.items():
            own = [target for target in specs if self._part_of(target) == name]
            found |= part.suggest(row, own, drawn, store) if own else {}
        return found

    def _part_of(self, target: TargetSpec) -> str | None:
        """The part that was trained for the target; else one of its pipeline, lost or not."""
        known = [name for name in self.parts if pipeline_of(name) == target.pipeline]
        trained = (n for n in known if any(t.name == target.name for t in self.parts[n].targets))
        failed = (name for name in self.failed if pipeline_of(name) == target.pipeline)
        return next(trained, None) or next(failed, None) or next(iter(known), None)
