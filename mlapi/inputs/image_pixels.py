"""The pixels of a task's image as an input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from mlapi.domain import TargetSpec
from mlapi.images import addresses
from mlapi.images.features import InputSource
from mlapi.inputs.image import ImageInput


@dataclass(frozen=True)
class ImagePixels(ImageInput):
    """The image at the address in a task: uint8 (height, width, 3), RGB, upright by its EXIF.

    No side is longer than `max_side` pixels; an image is never enlarged. A training has all of its
    images in memory at that size.
    """

    max_side: int = 224

    setting_names = ("max_side",)
    reads_files = True

    def read_all(
        self,
        rows: Sequence[dict[str, Any]],
        target: TargetSpec,
        source: InputSource | None = None,
    ) -> list[Any]:
        """The images; one call of the source for all."""
        return addresses.read_pixels(rows, target, self.max_side, source)

    def for_options(self, options: Mapping[str, Any]) -> Self:
        """By the option `max_side` of pipelines that have it."""
        return replace(self, max_side=options.get("max_side", self.max_side))

    @property
    def settings(self) -> dict[str, str]:
        return {"max_side": str(self.max_side)}

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        return replace(self, max_side=int(settings.get("max_side", self.max_side)))


@dataclass(frozen=True)
class SizedImages(ImagePixels):
    """The same as `SizedImage`s: also the size that the image of the file has."""

    max_side: int = 640

    def read_all(
        self,
        rows: Sequence[dict[str, Any]],
        target: TargetSpec,
        source: InputSource | None = None,
    ) -> list[Any]:
        return addresses.read_images(rows, target, self.max_side, source)
