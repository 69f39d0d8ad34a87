"""Features of an image in cells of 4 x 4 pixels: gradients by orientation, their strength, colour.

As the aggregated channel features of Dollar and others (2014).
"""

from collections.abc import Sequence

import cv2
import numpy as np

CELL = 4
_ORIENTATIONS = 8
CHANNELS = _ORIENTATIONS + 4
_NO_GRADIENT = 6.0  # of 0 to 255: weaker ones are noise
_AROUND = (3, 3)  # cells by whose strength a cell's gradients are measured
_STRIP = 64  # crops whose features are computed at once


def channels(image: np.ndarray) -> np.ndarray:
    """(height // 4, width // 4, CHANNELS) float32, about 0 to 1, for (height, width, 3) uint8 RGB.

    The gradient is that of the colour where it is the strongest, as Dalal and Triggs (2005) have
    it, and unsigned: what is lighter than its surroundings looks like what is darker.
    """
    rows, columns = image.shape[0] // CELL, image.shape[1] // CELL
    image = np.ascontiguousarray(image[: rows * CELL, : columns * CELL])
    strength, turn = _gradients(image)
    low = np.minimum(turn.astype(np.int32), _ORIENTATIONS - 1)
    part = turn - low
    high = (low + 1) % _ORIENTATIONS
    cells = np.repeat(np.arange(rows * columns, dtype=np.int32).reshape(rows, columns), CELL, 1)
    base = np.repeat(cells, CELL, 0) * _ORIENTATIONS
    size = rows * columns * _ORIENTATIONS
    votes = np.bincount((base + low).ravel(), (strength * (1 - part)).ravel(), size)
    votes += np.bincount((base + high).ravel(), (strength * part).ravel(), size)
    found = np.empty((rows, columns, CHANNELS), np.float32)
    oriented = votes.reshape(rows, columns, _ORIENTATIONS).astype(np.float32) / CELL**2
    total = oriented.sum(axis=2)
    around = cv2.blur(total, _AROUND, borderType=cv2.BORDER_REPLICATE) + _NO_GRADIENT
    found[..., :_ORIENTATIONS] = np.sqrt(oriented / around[..., None])
    found[..., _ORIENTATIONS] = np.sqrt(total / 255)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    # Chroma seldom fills its range.
    found[..., _ORIENTATIONS + 1 :] = cv2.resize(
        lab, (columns, rows), interpolation=cv2.INTER_AREA
    ) * np.array([1, 2, 2], np.float32) / 255 - np.array([0, 0.5, 0.5], np.float32)
    return found


def of_crops(image: np.ndarray, boxes: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """(n, rows, columns, CHANNELS): each box resized to so many cells; boxes may leave the image.

    `boxes` are (n, 4). What lies outside is the image's edge, drawn out.
    """
    found = np.empty((len(boxes), rows, columns, CHANNELS), np.float32)
    pyramid = _halved(image)
    for start in range(0, len(boxes), _STRIP):
        some = boxes[start : start + _STRIP]
        strip = np.concatenate([_crop(pyramid, box, rows, columns) for box in some])
        # A cell of its own surroundings on each side, which is cut away.
        cells = channels(strip).reshape(len(some), rows + 2, columns + 2, CHANNELS)
        found[start : start + _STRIP] = cells[:, 1:-1, 1:-1]
    return found


def _crop(pyramid: Sequence[np.ndarray], box: np.ndarray, rows: int, columns: int) -> np.ndarray:
    width, height = (columns + 2) * CELL, (rows + 2) * CELL
    sides = np.maximum(box[2:] - box[:2], 1e-3)
    scale = sides / (columns * CELL, rows * CELL)  # pixels of the image for one of the crop
    level = int(np.clip(np.floor(np.log2(max(scale.min(), 1.0))), 0, len(pyramid) - 1))
    shrunk = 2.0**level
    left, top = box[:2] - CELL * scale
    to_image = np.array(
        [
            [scale[0] / shrunk, 0, (left + scale[0] / 2) / shrunk - 0.5],
            [0, scale[1] / shrunk, (top + scale[1] / 2) / shrunk - 0.5],
        ]
    )
    return cv2.warpAffine(
        pyramid[level],
        to_image,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _halved(image: np.ndarray) -> list[np.ndarray]:
    """The image, and halves of it for as long as there is something to halve."""
    found = [image]
    while min(found[-1].shape[:2]) >= 2 * CELL and len(found) < 8:
        h, w = found[-1].shape[:2]
        found.append(cv2.resize(found[-1], (w // 2, h // 2), interpolation=cv2.INTER_AREA))
    return found


def _gradients(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength, and orientation of 0 to 8 where 8 is 0 again, of each pixel."""
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    squares = dx * dx + dy * dy
    strongest = squares.reshape(-1, 3).argmax(axis=1) + np.arange(0, squares.size, 3)
    x, y, square = (of.ravel()[strongest].reshape(image.shape[:2]) for of in (dx, dy, squares))
    strength = np.sqrt(square)
    turn = cv2.phase(x, y) * np.float32(_ORIENTATIONS / np.pi) % np.float32(_ORIENTATIONS)
    return strength, turn
