"""Images as the inputs of networks: shrunk or enlarged to one longer side, and padded."""

import cv2
import numpy as np

MULTIPLE = 32  # of an input's sides
_SIDES = (320, 416, 512, 640)  # multiples of MULTIPLE
_LEAST_OBJECT = 24.0  # pixels that the side of a small object should have


def side_for(relative: np.ndarray) -> int:
    """The inputs' longer side for objects with these sides, as shares of their images' longer."""
    small = float(np.percentile(relative, 10))
    fitting = [side for side in _SIDES if side * small >= _LEAST_OBJECT]
    return fitting[0] if fitting else _SIDES[-1]


def sized(image: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """The image with that longer side, and its scale."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=interpolation), scale


def padded(image: np.ndarray) -> np.ndarray:
    """On grey, with sides that are multiples of MULTIPLE."""
    height, width = image.shape[:2]
    below, right = -height % MULTIPLE, -width % MULTIPLE
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(127,) * 3)
