"""The EvaDB function that gives AutoML a text or a vector as numeric columns."""

import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.pipelines.classification.numeric_columns import SIZE, load_columns

# EvaDB's AutoML takes scalar columns only, so one output for each number.
NAMES = [f"f{i}" for i in range(SIZE)]


class NumericColumns(AbstractFunction):
    """One input in, SIZE numbers out; `model_path` is what the columns were saved as."""

    @setup(cacheable=False, function_type="FeatureExtraction", batchable=True)
    def setup(self, model_path: str = "") -> None:
        self.fitted = load_columns(str(model_path)) if model_path else None

    @property
    def name(self) -> str:
        return "NumericColumns"

    @forward(
        input_signatures=[
            PandasDataframe(
                columns=["input"], column_types=[NdArrayType.ANYTYPE], column_shapes=[(None,)]
            )
        ],
        output_signatures=[
            PandasDataframe(
                columns=NAMES,
                column_types=[NdArrayType.FLOAT32] * SIZE,
                column_shapes=[(1,)] * SIZE,
            )
        ],
    )
    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.fitted is None:
            raise ValueError("This function was made without MODEL_PATH.")
        return pd.DataFrame(self.fitted.columns(frame.iloc[:, 0].tolist()), columns=NAMES)
