"""The EvaDB function of a classifier's version: inputs in, probabilities out."""

import pandas as pd

from mlapi.eva.functions import Column, ModelFunction, columns_of, object_frame
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.models import load_model

_OUTPUTS = pd.Index(["probabilities"])


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

    def evaluate(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = columns_of(frame)
        inputs = self.inputs if self.inputs is not None else range(len(self.model.targets))
        rows = self.model.probabilities(
            [columns[i] if i >= 0 else None for i in inputs], len(frame)
        )
        return object_frame(_OUTPUTS, [rows])
