"""Features of an image by OpenCV alone: gradients, light, colour, its layout, and texture.

Five descriptors without a learned model, each a unit vector. What could be all noise (the
gradients of a flat image, the hues of a grey one) has a coordinate of its own for "nothing",
against which the rest is measured: below it a descriptor fades to that one coordinate.
"""

import math
from collections.abc import Sequence
from itertools import product

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


_HOG_SIDE = 64
_CELLS = 8
_ORIENTATIONS = 8
_NO_GRADIENT = 0.15

_THUMBNAIL_SIDE = 8
_NO_LIGHT = 0.2

_COLOUR_SIDE = 64
_COLOUR_BINS = (5, 7, 7)
_COLOURS = math.prod(_COLOUR_BINS)

_LAYOUT_SIDE = 4
_NO_CHROMA = 3.0

# (radius, shrunk by): neighbours 1, 2 and 4 pixels away, the farthest in an image half as large.
_DISTANCES = ((1, 1), (1, 2), (2, 2))
_CONTRASTS = (2, 6, 16)
_PATTERNS = 10
_CIRCLE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def hog(grey: np.ndarray) -> np.ndarray:
    """(513,) Histograms of oriented gradients (Dalal and Triggs, 2005) of an 8x8 grid of cells.

    Unsigned, so that ink on paper and chalk on slate look alike; square roots, so that one
    strong edge does not outweigh the others.
    """
    g = exactly(grey, _HOG_SIDE, _HOG_SIDE).astype(np.float32) / 255
    dx = cv2.Sobel(g, cv2.CV_32F, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(g, cv2.CV_32F, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    turn = np.arctan2(dy, dx) * (_ORIENTATIONS / np.pi) % _ORIENTATIONS
    away = np.abs(turn[:, None, :] - np.arange(_ORIENTATIONS, dtype=np.float32)[None, :, None])
    votes = np.maximum(0, 1 - np.minimum(away, _ORIENTATIONS - away)) * np.hypot(dx, dy)[:, None]
    cells = np.tensordot(_POOL, votes @ _POOL.T, axes=(1, 0))  # (cells, orientations, cells)
    return _unit(np.sqrt(np.maximum(cells, 0)), _NO_GRADIENT)


def thumbnail(grey: np.ndarray) -> np.ndarray:
    """(65,) A thumbnail without its mean: how light lies in the image, not how much it is."""
    g = exactly(grey, _THUMBNAIL_SIDE, _THUMBNAIL_SIDE).astype(np.float32) / 255
    return _unit(g - g.mean(), _NO_LIGHT)


def lab(rgb: np.ndarray) -> np.ndarray:
    """The image in CIELAB, at most 64x64: the input of `colour` and `layout`."""
    small = at_most(rgb, _COLOUR_SIDE, _COLOUR_SIDE)
    return cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def colour(lab: np.ndarray) -> np.ndarray:
    """(245,) A soft joint histogram of lightness, a and b; square roots (Hellinger's kernel).

    a and b are binned by their square root: near grey, where most of a photograph is, a small
    difference is seen; among inks only a large one is.
    """
    lightness, a, b = lab.reshape(-1, 3).T
    axes = [
        _two_bins(values, bins)
        for values, bins in zip((lightness / 100, _bent(a), _bent(b)), _COLOUR_BINS, strict=True)
    ]
    histogram = np.zeros(_COLOURS)
    for (i, u), (j, v), (k, w) in product(*axes):
        index = (i * _COLOUR_BINS[1] + j) * _COLOUR_BINS[2] + k
        histogram += np.bincount(index, u * v * w, _COLOURS)
    return np.sqrt(histogram / len(lightness))


def layout(lab: np.ndarray) -> np.ndarray:
    """(33,) The mean a and b of a 4x4 grid: a blue top is a sky."""
    grid = exactly(np.ascontiguousarray(lab[:, :, 1:]), _LAYOUT_SIDE, _LAYOUT_SIDE)
    return _unit(grid / _LAYOUT_SIDE, _NO_CHROMA)


def lbp(grey: np.ndarray) -> np.ndarray:
    """(120,) Local binary patterns (Ojala and others, 2002) by contrast, at three distances.

    The rotation-invariant uniform ones, of differences of 3 levels and more so that the noise
    of compression is no pattern; square roots as for colour.
    """
    h, w = grey.shape
    counts = []
    for radius, shrunk in _DISTANCES:
        small = at_most(grey, max(1, w // shrunk), max(1, h // shrunk))
        counts.append(_patterns(small, radius) / (small.size * len(_DISTANCES)))
    return np.sqrt(np.concatenate(counts))


def _patterns(grey: np.ndarray, radius: int) -> np.ndarray:
    """How many pixels have each pattern at each of four contrasts."""
    h, w = grey.shape
    around = cv2.copyMakeBorder(grey, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    above = np.minimum(grey, 253) + np.uint8(2)
    code = np.zeros((h, w), np.uint8)
    contrast = np.zeros((h, w), np.uint16)
    for bit, (y, x) in enumerate(_CIRCLE):
        shifted = around[radius * (1 + y) :, radius * (1 + x) :][:h, :w]
        code |= (shifted > above).view(np.uint8) << np.uint8(bit)
        contrast += np.maximum(shifted, grey) - np.minimum(shifted, grey)
    level = sum((contrast >= len(_CIRCLE) * step).view(np.uint8) for step in _CONTRASTS)
    kinds = len(_CONTRASTS) + 1
    return np.bincount((kinds * _PATTERN[code] + level).ravel(), minlength=kinds * _PATTERNS)


def _bent(ab: np.ndarray) -> np.ndarray:
    """a or b within -60..60 as 0..1, its square root stretching what is near grey."""
    return (1 + np.sign(ab) * np.sqrt(np.abs(ab) / 60)) / 2


def _two_bins(values: np.ndarray, bins: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The two bins that each value of 0..1 lies between, each with its share of the value."""
    at = np.clip(values, 0, 1) * (bins - 1)
    low = np.minimum(at.astype(np.int32), bins - 2)
    part = at - low
    return [(low, 1 - part), (low + 1, part)]


def _unit(block: np.ndarray, nothing: float) -> np.ndarray:
    """The block and the coordinate for nothing, as one unit vector."""
    vector = np.append(block.ravel(), np.float32(nothing))
    return vector / np.linalg.norm(vector)


def _pattern_of_code() -> np.ndarray:
    """(256,) How many neighbours are lighter if they are side by side, else 9."""
    table = np.empty(256, np.uint8)
    for code in range(256):
        bits = [code >> i & 1 for i in range(8)]
        turns = sum(bits[i] != bits[i - 1] for i in range(8))
        table[code] = sum(bits) if turns <= 2 else _PATTERNS - 1
    return table


def _pool() -> np.ndarray:
    """(cells, pixels): each cell's triangular share of a row of pixels, as HOG interpolates."""
    step = _HOG_SIDE / _CELLS
    centres = (np.arange(_CELLS) + 0.5) * step - 0.5
    weight = np.maximum(0, 1 - np.abs(np.arange(_HOG_SIDE) - centres[:, None]) / step)
    return (weight / step).astype(np.float32)


_PATTERN = _pattern_of_code()
_POOL = _pool()


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
        in_lab = lab(rgb)
        blocks = {
            "hog": hog(grey),
            "thumbnail": thumbnail(grey),
            "colour": colour(in_lab),
            "layout": layout(in_lab),
            "lbp": lbp(grey),
        }
        return np.concatenate([np.sqrt(share) * blocks[name] for name, share in SHARES.items()])


def checked(image: np.ndarray) -> np.ndarray:
    """The image, contiguous. Raises ValueError unless it is (h, w, 3) of uint8, not empty."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"No RGB image: {image.dtype} {image.shape}.")
    return np.ascontiguousarray(image)
