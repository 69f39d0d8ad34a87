"""Features of an image by OpenCV alone: shape, light, colour, its layout, and texture."""

from collections.abc import Sequence

import cv2
import numpy as np

from mlapi.images.extractors import descriptors
from mlapi.images.extractors.resize import within

# Each block is a unit vector and has this share of the row's squared length, so cosine
# similarity and Euclidean distance both weigh the blocks so, whatever an image holds. What is
# drawn (hog, thumbnail) weighs a little less than what it is made of (colour, lbp): with
# more of the first, tiles lose their photograph, with more of the second, digits their
# neighbours. The thumbnail adds little to the gradients, and where a colour is matters less
# than which it is. `benchmarks/features.py` tells what they reach.
SHARES = {"hog": 0.35, "thumbnail": 0.05, "colour": 0.30, "layout": 0.05, "lbp": 0.25}


class OpenCVFeatures:
    """See `mlapi.images.extractors.loading.Extractor`. Holds no state: any thread may use it."""

    name = "opencv-1"
    max_side = 256
    nbytes = 0

    def __init__(self) -> None:
        self.size = len(self._row(np.zeros((1, 1, 3), np.uint8)))

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n, size) float32, rows of unit length, for RGB images (h, w, 3) of uint8.

        Raises ValueError for an array that is no such image.
        """
        rows = np.empty((len(images), self.size), np.float32)
        for row, image in zip(rows, images, strict=True):
            row[:] = self._row(checked(image))
        return rows

    def _row(self, image: np.ndarray) -> np.ndarray:
        rgb = within(image, self.max_side)
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        lab = descriptors.lab(rgb)
        seen = {
            "hog": descriptors.hog(grey),
            "thumbnail": descriptors.thumbnail(grey),
            "colour": descriptors.colour(lab),
            "layout": descriptors.layout(lab),
            "lbp": descriptors.lbp(grey),
        }
        return np.concatenate([np.sqrt(share) * seen[name] for name, share in SHARES.items()])


def checked(image: np.ndarray) -> np.ndarray:
    """The image, contiguous. Raises ValueError unless it is (h, w, 3) of uint8, not empty."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"No RGB image: {image.dtype} {image.shape}.")
    return np.ascontiguousarray(image)
