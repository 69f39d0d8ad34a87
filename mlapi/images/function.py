"""The EvaDB function that makes images vectors of features."""

import numpy as np
import pandas as pd

from mlapi.eva.functions import Column, Function
from mlapi.images.extractors.loading import extractor


class ImageFeaturesFunction(
    Function,
    kind="FeatureExtraction",
    inputs=[Column("image", "uint8", (None, None, 3))],
    outputs=[Column("features", "float32", (None,))],
):
    """One RGB image in, one vector out; `features` is the project's option of that name.

    A row without an image has no vector.
    """

    def setup(self, features: str = "opencv") -> None:
        self.extractor = extractor(str(features))

    def evaluate(self, frame: pd.DataFrame) -> dict[str, pd.Series]:
        images = frame.iloc[:, 0].tolist()
        present = [i for i, image in enumerate(images) if isinstance(image, np.ndarray)]
        rows: list[np.ndarray | None] = [None] * len(images)
        found = self.extractor.features([images[i] for i in present])
        for i, row in zip(present, found, strict=True):
            rows[i] = row
        return {"features": pd.Series(rows, dtype=object)}
