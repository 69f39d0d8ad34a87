"""Makes images smaller, or exactly of a size."""

import cv2
import numpy as np


def within(image: np.ndarray, side: int) -> np.ndarray:
    """The image itself, or shrunk in proportion so that neither side is longer than `side`."""
    h, w = image.shape[:2]
    scale = side / max(h, w)
    if scale >= 1:
        return image
    return at_most(image, max(1, round(w * scale)), max(1, round(h * scale)))


def at_most(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Each side shrunk to at most that, out of proportion where need be."""
    h, w = image.shape[:2]
    if w <= width and h <= height:
        return image
    size = (min(w, width), min(h, height))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def exactly(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Of that size: what is longer is shrunk by area, what is shorter enlarged by cubics."""
    image = at_most(image, width, height)
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
