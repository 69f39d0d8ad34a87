"""Images and examples as engines read them: at another size, with boxes and labels as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import DetectionExample

MULTIPLE = 32  # of an input's sides
_SIDES = (320, 416, 512, 640)  # multiples of MULTIPLE
_LEAST_OBJECT = 24.0  # pixels that the side of a small object should have


@dataclass(frozen=True)
class Objects:
    """An image with its objects: (n, 4) boxes, and the numbers of their labels."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def boxes_and_labels(
    example: DetectionExample, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4): the example's boxes of these labels as they are; and (n,) the labels' numbers."""
    numbers = {label: number for number, label in enumerate(labels)}
    known = [box for box in example.boxes if box.label in numbers]
    boxes = np.array([(b.left, b.top, b.right, b.bottom) for b in known], np.float64)
    return boxes.reshape(-1, 4), np.array([numbers[b.label] for b in known], int)


def side_for(relative: np.ndarray) -> int:
    """The inputs' longer side for objects with these sides, as shares of their images' longer."""
    small = float(np.percentile(relative, 10))
    fitting = [side for side in _SIDES if side * small >= _LEAST_OBJECT]
    return fitting[0] if fitting else _SIDES[-1]


def shrunk(image: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """The image with no side above `longest` and none below a pixel, and its scale."""
    if max(image.shape[:2]) <= longest:
        return image, 1.0
    return sized(image, longest)


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


def scaled(
    examples: Sequence[DetectionExample], labels: Sequence[str]
) -> tuple[list[Objects], int]:
    """The examples as inputs, with the boxes of these labels that have an area in the image.

    And the inputs' longer side. Raises ValueError if there is no such box.
    """
    found = [_boxes(example, labels) for example in examples]
    relative = [
        np.sqrt(geometry.areas(boxes)) / max(example.image.shape[:2])
        for example, (boxes, _) in zip(examples, found, strict=True)
    ]
    sides = np.concatenate(relative) if relative else np.zeros(0)
    if not len(sides):
        raise ValueError("No box has an area inside its image.")
    side = side_for(sides)
    objects = []
    for example, (boxes, numbers) in zip(examples, found, strict=True):
        image, scale = sized(example.image, side)
        objects.append(Objects(image, boxes * scale, numbers))
    return objects, side


def _boxes(example: DetectionExample, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    boxes, numbers = boxes_and_labels(example, labels)
    boxes = geometry.within(boxes, example.image.shape[1], example.image.shape[0])
    kept = geometry.areas(boxes) > 0
    return boxes[kept], numbers[kept]
