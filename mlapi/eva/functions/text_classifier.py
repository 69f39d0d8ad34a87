"""The EvaDB function of a text classification version: texts in, probabilities out."""

import numpy as np
import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.pipelines.text_classification.model import TextModel, load_model


class TextClassifier(AbstractFunction):
    """One argument per distinct text column, one array of probabilities per row.

    `model_path` is the artifact; `inputs` says which argument each trained target reads,
    as comma-separated numbers, -1 for a target that is not asked.
    """

    @setup(cacheable=False, function_type="TextClassification", batchable=True)
    def setup(self, model_path: str = "", inputs: str = "") -> None:
        self.model: TextModel | None = load_model(str(model_path)) if model_path else None
        self.inputs = [int(number) for number in str(inputs).split(",")] if inputs != "" else None

    @property
    def name(self) -> str:
        return "TextClassifier"

    @forward(
        input_signatures=[
            PandasDataframe(columns=["text"], column_types=[NdArrayType.STR], column_shapes=[(1,)])
        ],
        output_signatures=[
            PandasDataframe(
                columns=["probabilities"],
                column_types=[NdArrayType.FLOAT64],
                column_shapes=[(None,)],
            )
        ],
    )
    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.model is None:
            raise ValueError("This function was made without MODEL_PATH.")
        texts = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
        inputs = self.inputs if self.inputs is not None else range(len(self.model.targets))
        rows: np.ndarray = self.model.probabilities(
            [texts[i] if i >= 0 else None for i in inputs], len(frame)
        )
        return pd.DataFrame({"probabilities": list(rows)})
