"""What a version of clusters is in memory and in its artifact."""

import io
import os
import pickle
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mlapi.pipelines.base import Answer, ExtractorRef, TargetSpec

FORMAT = 1
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
        """Write the artifact atomically. The same model gives the same bytes."""
        arrays = io.BytesIO()
        np.savez(arrays, centres=self.centres.astype(np.float32))
        payload = {
            "format": FORMAT,
            "pipeline": PIPELINE,
            "spec": self.spec.to_dict(),
            "extractor": asdict(self.extractor),
            "names": self.names,
            "arrays": arrays.getvalue(),
        }
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as f:
            pickle.dump(payload, f, protocol=5)
            f.flush()
            os.fsync(f.fileno())
        os.replace(partial, path)


def read_model(path: Path) -> ClusterModel:
    """The model in an artifact whose SHA-256 the caller has verified: it is a pickle.

    Raises ValueError if it is not an artifact of this pipeline.
    """
    with open(path, "rb") as f:
        payload = pickle.load(f)  # noqa: S301 - verified before, see above
    if not isinstance(payload, dict) or payload.get("pipeline") != PIPELINE:
        raise ValueError("Not an artifact of clusters of images.")
    if payload.get("format") != FORMAT:
        raise ValueError(f"The artifact has format {payload.get('format')!r}, not {FORMAT}.")
    with np.load(io.BytesIO(payload["arrays"]), allow_pickle=False) as arrays:
        return ClusterModel(
            TargetSpec.from_dict(payload["spec"]),
            ExtractorRef(**payload["extractor"]),
            arrays["centres"],
            payload["names"],
        )


@lru_cache(maxsize=4)
def _kept(path: str, mtime_ns: int, size: int) -> ClusterModel:
    return read_model(Path(path))


def load_model(path: str) -> ClusterModel:
    """`read_model`, once per file: EvaDB makes its function anew at every bind."""
    status = os.stat(path)
    return _kept(path, status.st_mtime_ns, status.st_size)
