"""The EvaDB function that gives AutoML a text as numeric columns."""

import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.pipelines.text_classification.features import SIZE, load_features

# EvaDB's AutoML takes scalar columns only, so one output for each number.
NAMES = [f"f{i}" for i in range(SIZE)]


class TextColumns(AbstractFunction):
    """One text in, SIZE numbers out; `model_path` is a saved TextFeatures."""

    @setup(cacheable=False, function_type="FeatureExtraction", batchable=True)
    def setup(self, model_path: str = "") -> None:
        self.features = load_features(str(model_path)) if model_path else None

    @property
    def name(self) -> str:
        return "TextColumns"

    @forward(
        input_signatures=[
            PandasDataframe(columns=["text"], column_types=[NdArrayType.STR], column_shapes=[(1,)])
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
        if self.features is None:
            raise ValueError("This function was made without MODEL_PATH.")
        return pd.DataFrame(self.features.columns(frame.iloc[:, 0].tolist()), columns=NAMES)
