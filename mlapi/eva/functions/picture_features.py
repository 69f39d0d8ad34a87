"""The EvaDB function that makes pictures vectors of features."""

import numpy as np
import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.seeing.extractors import extractor


class PictureFeatures(AbstractFunction):
    """One RGB picture in, one vector out; `features` is the project's option of that name.

    A row without a picture has no vector.
    """

    @setup(cacheable=False, function_type="FeatureExtraction", batchable=True)
    def setup(self, features: str = "opencv") -> None:
        self.extractor = extractor(str(features))

    @property
    def name(self) -> str:
        return "PictureFeatures"

    @forward(
        input_signatures=[
            PandasDataframe(
                columns=["picture"],
                column_types=[NdArrayType.UINT8],
                column_shapes=[(None, None, 3)],
            )
        ],
        output_signatures=[
            PandasDataframe(
                columns=["features"], column_types=[NdArrayType.FLOAT32], column_shapes=[(None,)]
            )
        ],
    )
    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        pictures = frame.iloc[:, 0].tolist()
        there = [i for i, picture in enumerate(pictures) if isinstance(picture, np.ndarray)]
        rows: list[np.ndarray | None] = [None] * len(pictures)
        found = self.extractor.features([pictures[i] for i in there])
        for i, row in zip(there, found, strict=True):
            rows[i] = row
        return pd.DataFrame({"features": pd.Series(rows, dtype=object)})
