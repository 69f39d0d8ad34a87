"""The EvaDB function of a classifier's version: inputs in, probabilities out."""

import numpy as np
import pandas as pd

from mlapi.eva.functions import Column, ModelFunction
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.models import load_model


class ClassifierFunction(
    ModelFunction,
    kind="Classification",
    inputs=[Column("input", "any", (None,))],
    outputs=[Column("probabilities", "float64", (None,))],
):
    """One argument per distinct input column, one array of probabilities per row.

    `inputs` says which argument each trained target reads, as comma-separated numbers, -1 for
    a target that is not evaluated.
    """

    @staticmethod
    def load(path: str, sha256: str) -> Classifier:
        return load_model(path, sha256)

    def setup(self, model_path: str = "", sha256: str = "", inputs: str = "") -> None:
        super().setup(model_path, sha256)
        self.inputs = [int(number) for number in str(inputs).split(",")] if inputs != "" else None

    def evaluate(self, frame: pd.DataFrame) -> dict[str, list[np.ndarray]]:
        columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
        inputs = self.inputs if self.inputs is not None else range(len(self.model.targets))
        rows = self.model.probabilities(
            [columns[i] if i >= 0 else None for i in inputs], len(frame)
        )
        return {"probabilities": list(rows)}
