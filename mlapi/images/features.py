"""What names the features of an image, and the source of what models read beside a task's data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

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


@dataclass(frozen=True)
class SizedImage:
    """An upright image, perhaps made smaller: uint8 (height, width, 3), RGB.

    `size` is (width, height) of the file's, upright as well.
    """

    pixels: "np.ndarray"
    size: tuple[int, int]


class InputSource(Protocol):
    """Gives what models read that is not in a task's data: of images, by their addresses, feature
    vectors, stored ones or those that it can make, or pixels; of texts their stored vectors.
    """

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> "list[np.ndarray | InputError]":
        """For each address a float32 vector, or the error; raises nothing."""

    def images(self, max_side: int, addresses: Sequence[str]) -> list[SizedImage | InputError]:
        """For each address the image as `read_sized` has it, or the error; raises nothing."""

    def cache_texts(self, encoder: Any, texts: Sequence[str]) -> None:
        """Cache the stored vectors of these texts in this process; none by default."""
