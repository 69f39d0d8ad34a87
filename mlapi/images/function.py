"""The EvaDB function that makes pictures vectors of features."""

import numpy as np
import pandas as pd

from mlapi.eva.functions import Column, Function
from mlapi.images.extractors.loading import extractor


class PictureFeatures(
    Function,
    kind="FeatureExtraction",
    inputs=[Column("picture", "uint8", (None, None, 3))],
    outputs=[Column("features", "float32", (None,))],
):
    """One RGB picture in, one vector out; `features` is the project's option of that name.

    A row without a picture has no vector.
    """

    def setup(self, features: str = "opencv") -> None:
        self.extractor = extractor(str(features))

    def evaluate(self, frame: pd.DataFrame) -> dict[str, pd.Series]:
        pictures = frame.iloc[:, 0].tolist()
        there = [i for i, picture in enumerate(pictures) if isinstance(picture, np.ndarray)]
        rows: list[np.ndarray | None] = [None] * len(pictures)
        found = self.extractor.features([pictures[i] for i in there])
        for i, row in zip(there, found, strict=True):
            rows[i] = row
        return {"features": pd.Series(rows, dtype=object)}
