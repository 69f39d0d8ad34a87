"""An image similarity version in memory and in its artifact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import faiss
import numpy as np

from mlapi import label_types
from mlapi.domain import Prediction, TargetSpec
from mlapi.inputs import ImageFeatures
from mlapi.pipelines.parts import Parts, spec_parts

# The references that are returned; one of them can be the image itself.
NEAREST = 8
_ROWS = 256  # whose cosines with all references are in memory at once


@dataclass
class SimilarityModel:
    """The references (task ids and unit vectors), and the similarity that each requires.

    `thresholds` are the cosine similarities of each reference's k-th nearest task: what is at
    least as similar is among its k nearest.
    """

    spec: TargetSpec
    label: str
    input: ImageFeatures
    references: np.ndarray
    vectors: np.ndarray
    thresholds: np.ndarray

    @property
    def nbytes(self) -> int:
        return int(self.vectors.nbytes + self.thresholds.nbytes + self.references.nbytes)

    def nearest(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, m) task ids of the nearest references, the nearest first, and their nearness.

        The nearness is the cosine, mapped from -1..1 to 0..1. Where fewer than m references are
        near (the image is not among their k nearest) the rest has a nearness of 0.
        """
        m = min(NEAREST, len(self.references))
        ids, nearness = np.empty((len(vectors), m), dtype=np.int64), np.empty((len(vectors), m))
        for start in range(0, len(vectors), _ROWS):
            rows = slice(start, start + _ROWS)
            # All references: the nearest may miss its threshold where a farther one meets it.
            cosine = np.asarray(vectors[rows], dtype=np.float32) @ self.vectors.T
            near = np.where(cosine >= self.thresholds - _ROUNDING, (cosine + 1) / 2, 0.0)
            places = np.argsort(-near, axis=1, kind="stable")[:, :m]
            ids[rows] = self.references[places]
            nearness[rows] = np.clip(np.take_along_axis(near, places, axis=1), 0.0, 1.0)
        return ids, nearness

    def answer(self, nearness: Sequence[float], kind: str = "") -> Prediction | None:
        """The label, with the nearness of the nearest reference as score; None if none is near.

        `kind` is the label type that the control has today, if another than it had.
        """
        best = max(nearness, default=0.0)
        if best <= 0:
            return None
        label_type = label_types.get(kind or self.spec.kind)
        value = self.label if label_type.shape == "single" else (self.label,)
        return label_type.prediction(self.spec.name, value, float(best))

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> "SimilarityModel":
        label = names.get(self.spec.name, {}).get(self.label, self.label)
        return replace(self, spec=self.spec.renamed(names), label=label)

    def to_parts(self) -> dict[str, Any]:
        target = {
            "spec": spec_parts(self.spec),
            "needs": [],
            "label": self.label,
            "references": self.references,
            "vectors": np.ascontiguousarray(self.vectors, dtype=np.float32),
            "thresholds": self.thresholds,
        }
        return {"extractor": self.input.settings, "targets": [target]}

    @classmethod
    def from_parts(cls, parts: Parts) -> "SimilarityModel":
        target = parts.only("targets")
        target.require()
        references = target.array("references", None, dtype="integer")
        settings = parts.settings("extractor", ImageFeatures.setting_names)
        return cls(
            target.spec(),
            target.text("label"),
            ImageFeatures().with_settings(settings),
            references,
            target.array("vectors", len(references), None),
            target.array("thresholds", len(references)),
        )


# The error of float32 sums in another order, by which no task may miss its threshold.
_ROUNDING = 1e-5


def index_of(vectors: np.ndarray) -> faiss.IndexFlatIP:
    """An exact index of unit vectors by their cosine."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return index
