"""The candidates of images, the modality that has them, and what reads a version's model.

The candidates are ridge regression on the features, and on a kernel of them.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlapi.domain import InputError, TargetSpec
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import ImageFeatures, Input
from mlapi.pipelines.classification.candidates import Candidate, RidgeEstimator, fit_ridge
from mlapi.pipelines.classification.dataset import KeyedInput, Modality
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.image_classification.features import (
    Kernel,
    VectorColumns,
    Vectors,
    fit_columns,
)
from mlapi.pipelines.parts import Parts


@dataclass(frozen=True)
class LinearCandidate(Candidate):
    """Ridge on the features. `alpha` is small because they have unit length."""

    name: str = "image features, linear"
    alpha: float = 0.1

    def fit(
        self, inputs: Sequence[np.ndarray], labels: np.ndarray, n_labels: int, shape: str
    ) -> RidgeEstimator:
        return fit_ridge(Vectors(), inputs, labels, n_labels, shape, self.alpha)


@dataclass(frozen=True)
class KernelCandidate(Candidate):
    """Ridge on a Gaussian kernel: a least squares support vector machine (Suykens 1999)."""

    name: str = "image features, kernel"
    alpha: float = 0.1

    def fit(
        self, inputs: Sequence[np.ndarray], labels: np.ndarray, n_labels: int, shape: str
    ) -> RidgeEstimator:
        return fit_ridge(Kernel(), inputs, labels, n_labels, shape, self.alpha)


LINEAR = LinearCandidate()
KERNEL = KernelCandidate()


class ImageModality(Modality):
    """The features of each image; equal examples are the same file, whatever their addresses."""

    pipeline = "image_classification"
    noun = "image"
    column = "features"
    column_type = "vector"
    candidates = (LINEAR, KERNEL)

    def __init__(self, store: FolderImageStore, features: ImageFeatures) -> None:
        self._store = store
        self.input = features

    def source(self, target: TargetSpec) -> Hashable:
        return target.sources

    def read(self, data: dict[str, Any], target: TargetSpec) -> KeyedInput:
        (vector,) = self.input.read_all([data], target, self._store)
        if isinstance(vector, InputError):
            raise vector
        content = self._store.content(self.input.read(data, target))
        if content is None:
            raise InputError("image_missing", "The image has no content.")
        return KeyedInput(vector, content)

    def with_input(self, other: Input) -> "ImageModality":
        if other == self.input or not isinstance(other, ImageFeatures):
            return self
        return ImageModality(self._store, other)

    def fit_columns(self, inputs: Sequence[np.ndarray], seed: int) -> VectorColumns:
        return fit_columns(inputs, seed)


def read_model(parts: Parts) -> Classifier:
    """The model of a version, from the parts of its artifact. Raises ArtifactInvalid."""
    known = {features.kind: features for features in (Vectors, Kernel, VectorColumns)}
    return Classifier.from_parts(ImageModality.pipeline, ImageFeatures(), parts, known)
