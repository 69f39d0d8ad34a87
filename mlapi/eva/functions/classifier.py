"""The EvaDB function of a classifier's version: inputs in, probabilities out."""

import numpy as np
import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.pipelines.classification import model as models


class Classifier(AbstractFunction):
    """One argument per distinct input column, one array of probabilities per row.

    `model_path` is the artifact; `inputs` says which argument each trained target reads,
    as comma-separated numbers, -1 for a target that is not asked.
    """

    @setup(cacheable=False, function_type="Classification", batchable=True)
    def setup(self, model_path: str = "", inputs: str = "") -> None:
        self.model: models.Classifier | None = (
            models.load_model(str(model_path)) if model_path else None
        )
        self.inputs = [int(number) for number in str(inputs).split(",")] if inputs != "" else None

    @property
    def name(self) -> str:
        return "Classifier"

    @forward(
        input_signatures=[
            PandasDataframe(
                columns=["input"], column_types=[NdArrayType.ANYTYPE], column_shapes=[(None,)]
            )
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
        columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
        inputs = self.inputs if self.inputs is not None else range(len(self.model.targets))
        rows: np.ndarray = self.model.probabilities(
            [columns[i] if i >= 0 else None for i in inputs], len(frame)
        )
        return pd.DataFrame({"probabilities": list(rows)})
