"""A version in memory, from the files of an export: tasks in, labels and scores out."""

import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlapi import label_types
from mlapi.domain import NoPrediction, Prediction, TargetSpec
from mlapi.pipelines import artifact
from mlapi.pipelines.part_names import pipeline_of
from mlapi.pipelines.parts import ArtifactInvalid, Parts
from registry.verified import read_verified

ARTIFACT, DESCRIPTION, ENCODER = "artifact.bin", "version.json", "encoder"
# The module of this package that predicts for a pipeline.
MODULES = {
    "text_classification": "texts",
    "image_classification": "images",
    "image_similarity": "similarity",
    "image_clusters": "clusters",
    "object_detection": "boxes",
}
_AT_ONCE = 512  # tasks, which bounds the memory of a long list


class Part(Protocol):
    """The targets of a version that one pipeline fills."""

    @property
    def targets(self) -> tuple[TargetSpec, ...]: ...

    def predict(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """For each task's data, a Prediction or NoPrediction by control."""


@dataclass(frozen=True)
class Answer:
    """What the version answers for a control of a task.

    `value` is a label, a sorted list of labels or a list of boxes, with the score as `/predict` has
    it. Where there is no prediction both are None, and `problem` is the reason.
    """

    value: str | list[str] | list[dict[str, Any]] | None
    score: float | None
    problem: str = ""


class StandaloneModel:
    """A loaded version. Any threads may use it."""

    def __init__(self, parts: Sequence[Part], names: Mapping[str, Mapping[str, str]]) -> None:
        """`names`: by control the name of each label that is called otherwise today."""
        self.parts = parts
        self.names = names
        self.targets = tuple(target for part in parts for target in part.targets)

    @classmethod
    def load(cls, folder: str | Path) -> "StandaloneModel":
        """The version in the folder of an export's data.

        Raises ArtifactCorrupt where the artifact is not the version's, or ArtifactInvalid.
        """
        folder = Path(folder)
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        content = read_verified(folder / ARTIFACT, description["sha256"])
        parts = [_part(name, one, folder) for name, one in artifact.split(content).items()]
        return cls(parts, description["names"])

    def predict(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Answer]]:
        """The answers by control for the data of each task, in order."""
        tasks = [dict(row) for row in rows]
        found: list[dict[str, Answer]] = []
        for start in range(0, len(tasks), _AT_ONCE):
            some = tasks[start : start + _AT_ONCE]
            answers: list[dict[str, Answer]] = [{} for _ in some]
            for part in self.parts:
                for row, predicted in zip(answers, part.predict(some), strict=True):
                    row.update({name: self._answer(one) for name, one in predicted.items()})
            found += answers
        return found

    def _answer(self, one: Prediction | NoPrediction) -> Answer:
        if isinstance(one, NoPrediction):
            return Answer(None, None, one.message)
        label_type = label_types.of(one)
        value = label_type.renamed(label_types.value_of(one), self.names.get(one.target, {}))
        score = min(1.0, max(0.0, float(one.score)))
        return Answer(label_type.exported(value), score)


def _part(name: str, content: bytes, folder: Path) -> Part:
    pipeline = pipeline_of(name)
    if pipeline not in MODULES:
        raise ArtifactInvalid(f"An export has no {pipeline}.")
    module = importlib.import_module(f".{MODULES[pipeline]}", __package__)
    parts: Parts = artifact.unpack(content, pipeline)
    return module.part(parts, folder)
