"""The EvaDB function of an image similarity version: features in, the nearest references out."""

import numpy as np
import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.pipelines.image_similarity.model import SimilarityModel, load_model


class NearestReferences(AbstractFunction):
    """One vector in; the task ids of its nearest references and how near each is out.

    `model_path` is the artifact. A row without a vector has neither.
    """

    @setup(cacheable=False, function_type="Similarity", batchable=True)
    def setup(self, model_path: str = "") -> None:
        self.model: SimilarityModel | None = load_model(str(model_path)) if model_path else None

    @property
    def name(self) -> str:
        return "NearestReferences"

    @forward(
        input_signatures=[
            PandasDataframe(
                columns=["features"], column_types=[NdArrayType.FLOAT32], column_shapes=[(None,)]
            )
        ],
        output_signatures=[
            PandasDataframe(
                columns=["tasks", "nearness"],
                column_types=[NdArrayType.INT64, NdArrayType.FLOAT64],
                column_shapes=[(None,), (None,)],
            )
        ],
    )
    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.model is None:
            raise ValueError("This function was made without MODEL_PATH.")
        vectors = frame.iloc[:, 0].tolist()
        tasks = [np.empty(0, dtype=np.int64) for _ in vectors]
        nearness = [np.empty(0) for _ in vectors]
        there = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
        if there:
            found = self.model.nearest(np.stack([vectors[i] for i in there]))
            for i, ids, near in zip(there, *found, strict=True):
                tasks[i], nearness[i] = ids, near
        return pd.DataFrame({"tasks": tasks, "nearness": nearness})
