"""A loaded image classification version."""

from collections.abc import Sequence
from typing import Any

from mlapi.domain import FeatureSource, TargetSpec
from mlapi.images.lookup import read_vectors
from mlapi.pipelines.classification.predictor import ClassifierPredictor


class ImagePredictor(ClassifierPredictor):
    """Asks the store for the features of each task's image."""

    def read(
        self, rows: Sequence[dict[str, Any]], spec: TargetSpec, store: FeatureSource | None
    ) -> list[Any]:
        return read_vectors(rows, spec, self.model.extractor, store)
