"""The EvaDB function that gives AutoML a text or a vector as numeric columns."""

import pandas as pd

from mlapi.eva.functions import Column, Function
from mlapi.pipelines.classification.boosted import SIZE, in_this_process

# EvaDB's AutoML takes scalar columns only, so one output for each number.
NAMES = [f"f{i}" for i in range(SIZE)]


class NumericColumnsFunction(
    Function,
    kind="FeatureExtraction",
    inputs=[Column("input", "any", (None,))],
    outputs=[Column(name, "float32") for name in NAMES],
):
    """One input in, SIZE numbers out; COLUMNS is what they are called in this process."""

    def setup(self, columns: str = "") -> None:
        self.fitted = in_this_process[str(columns)] if columns else None

    def evaluate(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.fitted is None:
            raise ValueError("This function was made without COLUMNS.")
        return pd.DataFrame(self.fitted.columns(frame.iloc[:, 0].tolist()), columns=NAMES)
