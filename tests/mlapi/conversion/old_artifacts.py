"""The artifacts of format 1 of an earlier release, and what their versions answered then."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import Prediction

FOLDER = Path(__file__).parents[2] / "fixtures" / "artifacts-format-1"
NAMES = sorted(path.stem for path in FOLDER.glob("*.artifact"))


@dataclass(frozen=True)
class OldArtifact:
    name: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.artifact"

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def record(self) -> dict[str, Any]:
        return json.loads((FOLDER / f"{self.name}.json").read_text(encoding="utf-8"))

    @property
    def pipeline(self) -> str:
        return self.record["pipeline"]

    @property
    def inputs(self) -> list[Any]:
        """The inputs that a classifier reads of the rows."""
        if self.pipeline.startswith("text"):
            return [row["text"] for row in self.record["rows"] if row["text"]]
        return list(vectors())


class Store:
    """The features of the images in the rows."""

    def vectors(self, extractor, addresses):
        rows = [row["image"] for row in OldArtifact(NAMES[0]).record["rows"]]
        return [vectors()[rows.index(address)] for address in addresses]


def vectors() -> np.ndarray:
    return np.load(FOLDER / "vectors.npy", allow_pickle=False)


def as_recorded(answer) -> dict[str, Any]:
    """A prediction or a problem as the stored files have it."""
    if isinstance(answer, Prediction):
        label_type = label_types.of(answer)
        value = label_type.to_json(label_types.value_of(answer))
        return {"value": value, "score": answer.score, "kind": label_type.shape}
    return {"code": answer.code, "message": answer.message}
