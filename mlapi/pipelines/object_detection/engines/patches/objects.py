"""Images at the size that is looked at, with their objects."""

from collections.abc import Sequence

import cv2
import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import Example
from mlapi.pipelines.object_detection.engines.objects import Objects, arrays

_LONGEST = 640  # pixels of an image's side


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
    boxes, numbers = arrays(example, labels)
    height, width = image.shape[:2]
    boxes = geometry.within(boxes * scale, width, height)
    kept = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= 1
    return Objects(image, boxes[kept], numbers[kept])
