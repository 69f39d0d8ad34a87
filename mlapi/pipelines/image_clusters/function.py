"""The EvaDB function of an image clusters version: features in, the nearest cluster out."""

import numpy as np
import pandas as pd

from mlapi.eva.functions import Column, ModelFunction
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.models import load_model

NONE = -1


class NearestCluster(
    ModelFunction,
    kind="Clustering",
    inputs=[Column("features", "float32", (None,))],
    outputs=[Column("cluster", "int64"), Column("centrality", "float64")],
):
    """One vector in; the number of its cluster and its centrality out.

    A row without a vector is in cluster -1.
    """

    @staticmethod
    def load(path: str, sha256: str) -> ClusterModel:
        return load_model(path, sha256)

    def evaluate(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        vectors = frame.iloc[:, 0].tolist()
        clusters, centrality = np.full(len(vectors), NONE), np.zeros(len(vectors))
        present = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
        if present:
            found = self.model.assign(np.stack([vectors[i] for i in present]))
            clusters[present], centrality[present] = found
        return {"cluster": clusters, "centrality": centrality}
