"""Makes pictures smaller, or exactly of a size."""

import cv2
import numpy as np


def within(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture itself, or shrunk in proportion so that neither side is longer than `side`."""
    h, w = picture.shape[:2]
    scale = side / max(h, w)
    if scale >= 1:
        return picture
    return at_most(picture, max(1, round(w * scale)), max(1, round(h * scale)))


def at_most(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Each side shrunk to at most that, out of proportion where need be."""
    h, w = picture.shape[:2]
    if w <= width and h <= height:
        return picture
    size = (min(w, width), min(h, height))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def exactly(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Of that size: what is longer is shrunk by area, what is shorter enlarged by cubics."""
    picture = at_most(picture, width, height)
    if picture.shape[:2] == (height, width):
        return picture
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
