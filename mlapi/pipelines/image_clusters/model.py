"""An image clusters version in memory and in its artifact."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import Prediction, TargetSpec
from mlapi.inputs import ImageFeatures
from mlapi.pipelines.parts import Parts, spec_parts


@dataclass
class ClusterModel:
    """The centres (k, features) and their names."""

    spec: TargetSpec
    input: ImageFeatures
    centres: np.ndarray
    names: list[str]

    @property
    def nbytes(self) -> int:
        return int(2 * self.centres.nbytes)

    def assign(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) the nearest centre of each, and how central it is there, in 0..1.

        1 - a / b, where a is the distance to its own centre and b to the next: the simplified
        silhouette (Hruschka et al., Evolutionary Algorithms for Clustering Gene-Expression
        Data, 2004), never below 0, and 0 on the border.
        """
        vectors = np.asarray(vectors, dtype=np.float32)
        squared = (
            (vectors**2).sum(axis=1)[:, None]
            - 2 * vectors @ self.centres.T
            + (self.centres**2).sum(axis=1)
        )
        distances = np.sqrt(np.maximum(squared, 0.0))
        nearest = distances.argmin(axis=1)
        own, following = np.partition(distances, 1, axis=1)[:, :2].T
        safe = np.where(following > 0, following, 1.0)
        return nearest, np.where(following > 0, 1 - own / safe, 0.0)

    def answer(self, cluster: int, centrality: float, kind: str = "") -> Prediction:
        """The cluster's name, with the centrality as score.

        `kind` is the label type that the control has today, if another than it had.
        """
        score = min(1.0, max(0.0, float(centrality)))
        label_type = label_types.get(kind or self.spec.kind)
        return label_type.prediction(self.spec.name, self.names[cluster], score)

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> "ClusterModel":
        other = names.get(self.spec.name, {})
        found = [other.get(name, name) for name in self.names]
        return replace(self, spec=self.spec.renamed(names), names=found)

    def to_parts(self) -> dict[str, Any]:
        target = {
            "spec": spec_parts(self.spec),
            "needs": [],
            "names": self.names,
            "centres": np.ascontiguousarray(self.centres, dtype=np.float32),
        }
        return {"extractor": self.input.settings, "targets": [target]}

    @classmethod
    def from_parts(cls, parts: Parts) -> "ClusterModel":
        target = parts.only("targets")
        target.require()
        names = target.texts("names")
        centres = target.array("centres", len(names), None)
        if len(names) < 2:
            raise target.wrong("there are at least two clusters.")
        settings = parts.settings("extractor", ImageFeatures.setting_names)
        return cls(target.spec(), ImageFeatures().with_settings(settings), centres, names)
