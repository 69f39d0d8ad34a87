"""The EvaDB function of an image similarity version: features in, the nearest references out."""

import numpy as np
import pandas as pd

from mlapi.eva.functions import Column, ModelFunction
from mlapi.pipelines.image_similarity.model import SimilarityModel
from mlapi.pipelines.models import load_model


class NearestReferences(
    ModelFunction,
    kind="Similarity",
    inputs=[Column("features", "float32", (None,))],
    outputs=[Column("tasks", "int64", (None,)), Column("nearness", "float64", (None,))],
):
    """One vector in; the task ids of its nearest references and their nearness out.

    A row without a vector has neither.
    """

    @staticmethod
    def load(path: str, sha256: str) -> SimilarityModel:
        return load_model(path, sha256)

    def evaluate(self, frame: pd.DataFrame) -> dict[str, list[np.ndarray]]:
        vectors = frame.iloc[:, 0].tolist()
        tasks = [np.empty(0, dtype=np.int64) for _ in vectors]
        nearness = [np.empty(0) for _ in vectors]
        present = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
        if present:
            found = self.model.nearest(np.stack([vectors[i] for i in present]))
            for i, ids, near in zip(present, *found, strict=True):
                tasks[i], nearness[i] = ids, near
        return {"tasks": tasks, "nearness": nearness}
