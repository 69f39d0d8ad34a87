"""A loaded image classification version."""

from collections.abc import Sequence
from typing import Any

from mlapi.domain import FeatureStore, TargetSpec
from mlapi.pipelines.classification.predictor import ClassifierPredictor
from mlapi.pipelines.images.reading import read_vectors


class ImagePredictor(ClassifierPredictor):
    """Asks the store for the features of each task's picture."""

    def read(
        self, rows: Sequence[dict[str, Any]], spec: TargetSpec, store: FeatureStore | None
    ) -> list[Any]:
        return read_vectors(rows, spec, self.model.extractor, store)
