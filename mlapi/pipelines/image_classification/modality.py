"""Images as the examples of a classifier: the feature vector of each."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from mlapi.domain import ExtractorRef, InputError, TargetSpec
from mlapi.images.addresses import read_address
from mlapi.images.folder_store import FolderFeatureStore
from mlapi.pipelines.classification.modality import Example, Modality
from mlapi.pipelines.image_classification.columns import VectorColumns, fit_columns
from mlapi.pipelines.image_classification.recipes import KERNEL, LINEAR


class ImageModality(Modality):
    """What was seen of each image; equal ones are the same file, whatever their addresses."""

    pipeline = "image_classification"
    noun = "image"
    column = "features"
    column_type = "vector"
    recipes = (LINEAR, KERNEL)

    def __init__(self, seen: FolderFeatureStore, extractor: ExtractorRef) -> None:
        self._seen = seen
        self.extractor = extractor

    def source(self, target: TargetSpec) -> Hashable:
        return target.field

    def read(self, data: dict[str, Any], target: TargetSpec) -> Example | None:
        try:
            address = read_address(data, target)
        except InputError:
            return None
        (vector,) = self._seen.vectors(self.extractor, [address])
        content = self._seen.content(address)
        if isinstance(vector, InputError) or content is None:
            return None
        return Example(vector, content)

    def seen_by(self, extractor: ExtractorRef | None) -> "ImageModality":
        return ImageModality(self._seen, extractor) if extractor else self

    def fit_columns(self, inputs: Sequence[np.ndarray], seed: int) -> VectorColumns:
        return fit_columns(inputs, seed)
