"""What names the features of an image, and what gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mlapi.domain import InputError

if TYPE_CHECKING:  # label configs are matched without it
    import numpy as np


@dataclass(frozen=True)
class ExtractorRef:
    """The extractor of image features: as the option `features` names it, and its full name with
    version and weights.
    """

    features: str
    name: str


class FeatureSource(Protocol):
    """Gives the feature vectors of images by their addresses: stored ones, or those it can make."""

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> "list[np.ndarray | InputError]":
        """For each address a float32 vector, or the error; raises nothing."""
