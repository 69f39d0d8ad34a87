"""What is learned of an example: its image at the size that is looked at, and boxes as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import Example

_LONGEST = 640  # pixels of an image's side


@dataclass(frozen=True)
class Objects:
    """An image with its objects: (n, 4) boxes, and the numbers of their labels."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def shrunk(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The image at the size that is looked at, and its scale."""
    height, width = image.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    if scale == 1:
        return image, scale
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def objects_of(example: Example, labels: Sequence[str]) -> Objects:
    """Without boxes of other labels, and of less than a pixel in the image."""
    image, scale = shrunk(example.image)
    numbers = {label: number for number, label in enumerate(labels)}
    known = [box for box in example.boxes if box.label in numbers]
    boxes = np.array([(b.left, b.top, b.right, b.bottom) for b in known], np.float64)
    height, width = image.shape[:2]
    boxes = geometry.within(boxes.reshape(-1, 4) * scale, width, height)
    kept = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= 1
    return Objects(image, boxes[kept], np.array([numbers[b.label] for b in known], int)[kept])
