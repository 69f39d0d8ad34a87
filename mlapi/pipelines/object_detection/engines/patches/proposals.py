"""Proposals: windows of an image's scales that look like an object to any of a few templates.

`templates` makes the templates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.patches import channels
from mlapi.pipelines.object_detection.engines.patches.channels import CELL

_STEP = 2**0.5  # from one scale to the next
_LEAST_SCALE, _MOST_SCALE = 1 / 64, 2.0
_MOST_PIXELS = 500_000  # of an enlarged image
_SAME = 0.7  # IoU of windows of which one is enough


@dataclass(frozen=True)
class Template:
    """A window of rows x columns cells, and its linear score."""

    weights: np.ndarray  # (rows, columns, CHANNELS)
    bias: float


@dataclass(frozen=True)
class Scales:
    """The scales whose windows have the sizes of the objects; `side` is a window's, in pixels."""

    side: float
    least: float  # of an object's side, the square root of its area
    most: float

    def of(self, height: int, width: int) -> list[float]:
        """An image's scales, the finest first."""
        finest = min(self.side / self.least, largest_scale(height, width))
        coarsest = max(self.side / self.most, _LEAST_SCALE)
        count = max(0, round(np.log(finest / coarsest) / np.log(_STEP))) + 1
        return [finest / _STEP**number for number in range(count)]


def largest_scale(height: int, width: int) -> float:
    """How much an image may be enlarged, so that it takes no more time than a large one."""
    return max(1.0, min(_MOST_SCALE, (_MOST_PIXELS / (height * width)) ** 0.5))


def scaled(image: np.ndarray, scales: Scales) -> Iterator[tuple[float, np.ndarray]]:
    """The cells of the image in each scale, with the pixels of the image for a cell (x, y)."""
    height, width = image.shape[:2]
    for scale in scales.of(height, width):
        w, h = round(width * scale), round(height * scale)
        if min(w, h) < CELL:
            continue
        # What is cut off at the edge is enlarged by its own pixels.
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = image if scale == 1 else cv2.resize(image, (w, h), interpolation=interpolation)
        yield scale, channels.channels(small)


class Proposer:
    """Finds the best windows of an image, by templates of one or several shapes."""

    def __init__(self, templates: Sequence[Template], scales: Scales) -> None:
        self.templates = tuple(templates)
        self.scales = scales

    def propose(self, image: np.ndarray, most: int) -> np.ndarray:
        """(n, 4) boxes, the best first, at most so many."""
        boxes, scores = [], []
        for scale, cells in scaled(image, self.scales):
            for shape, found in self._responses(cells):
                some, values = _peaks(found, shape, 2 * most)
                boxes.append(some * (CELL / scale))
                scores.append(values)
        if not boxes:
            return np.zeros((0, 4), np.float32)
        every, score = np.concatenate(boxes), np.concatenate(scores)
        best = np.argsort(-score, kind="stable")[: 4 * most]
        kept = geometry.suppress(every[best], score[best], _SAME, most)
        height, width = image.shape[:2]
        return geometry.within(every[best][kept], width, height).astype(np.float32)

    def _responses(self, cells: np.ndarray) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
        """For each shape of a window the best score at each place, (rows, columns)."""
        by_shape: dict[tuple[int, int], list[Template]] = {}
        for template in self.templates:
            by_shape.setdefault(template.weights.shape[:2], []).append(template)
        for shape, templates in by_shape.items():
            padded = _padded(cells, shape)
            weights = np.stack([t.weights for t in templates], axis=-1)
            found = _correlated(padded, weights) + np.array([t.bias for t in templates], np.float32)
            yield shape, found.max(axis=2)


def _padded(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """With one more cell around, since an object may touch the edge; large enough for a window."""
    below = max(1, shape[0] - cells.shape[0] - 1)
    right = max(1, shape[1] - cells.shape[1] - 1)
    return np.pad(cells, ((1, below), (1, right), (0, 0)), mode="edge")


def _correlated(cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(rows, columns, templates): the templates' products with the window at each place."""
    height, width = weights.shape[:2]
    rows, columns = cells.shape[0] - height + 1, cells.shape[1] - width + 1
    found = np.zeros((rows, columns, weights.shape[3]), np.float32)
    for y in range(height):
        for x in range(width):
            found += cells[y : y + rows, x : x + columns] @ weights[y, x]
    return found


def _peaks(found: np.ndarray, shape: tuple[int, int], most: int) -> tuple[np.ndarray, np.ndarray]:
    """The boxes, in cells, and scores of the places that no neighbour surpasses."""
    is_peak = found >= cv2.dilate(found, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(is_peak)
    scores = found[rows, columns]
    best = np.argsort(-scores, kind="stable")[:most]
    top, left = rows[best] - 1.0, columns[best] - 1.0
    boxes = np.stack([left, top, left + shape[1], top + shape[0]], axis=1)
    return boxes, scores[best]
