"""What a version of clusters is in memory and in its artifact."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mlapi.domain import Answer, ExtractorRef, TargetSpec
from mlapi.pipelines import artifact

PIPELINE = "image_clusters"


@dataclass
class ClusterModel:
    """The centres (k, features) and the name of each."""

    spec: TargetSpec
    extractor: ExtractorRef
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

    def answer(self, cluster: int, centrality: float) -> Answer:
        """The cluster's name, as sure as the picture is central."""
        score = min(1.0, max(0.0, float(centrality)))
        return Answer(self.spec.name, self.names[cluster], score, "single")

    def save(self, path: Path) -> None:
        """Write the artifact."""
        content = {
            "spec": self.spec.to_dict(),
            "extractor": asdict(self.extractor),
            "names": self.names,
            "centres": np.ascontiguousarray(self.centres, dtype=np.float32),
        }
        artifact.write(path, PIPELINE, content)


def read_model(path: Path) -> ClusterModel:
    """The model in a verified artifact. Raises ValueError if it is not one of this pipeline."""
    payload = artifact.read(path, PIPELINE)
    return ClusterModel(
        TargetSpec.from_dict(payload["spec"]),
        ExtractorRef(**payload["extractor"]),
        payload["centres"],
        payload["names"],
    )


load_model = artifact.once_per_file(read_model)
