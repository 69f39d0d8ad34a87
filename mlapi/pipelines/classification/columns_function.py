"""The EvaDB function that gives AutoML a text or a vector as numeric columns."""

import pandas as pd

from mlapi.eva.functions import Column, ModelFunction
from mlapi.pipelines.classification.numeric_columns import SIZE, NumericColumns, load_columns

# EvaDB's AutoML takes scalar columns only, so one output for each number.
NAMES = [f"f{i}" for i in range(SIZE)]


class NumericColumnsFunction(
    ModelFunction,
    kind="FeatureExtraction",
    inputs=[Column("input", "any", (None,))],
    outputs=[Column(name, "float32") for name in NAMES],
):
    """One input in, SIZE numbers out; MODEL_PATH is what the columns were saved as."""

    @staticmethod
    def load(path: str) -> NumericColumns:
        return load_columns(path)

    def evaluate(self, frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(self.model.columns(frame.iloc[:, 0].tolist()), columns=NAMES)
