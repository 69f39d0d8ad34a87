"""Images at the size that is looked at, with their objects."""

from collections.abc import Sequence

import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import DetectionExample
from mlapi.pipelines.object_detection.engines.inputs import shrunk
from mlapi.pipelines.object_detection.engines.objects import Objects, arrays

LONGEST = 640  # pixels of an image's side


def objects_of(example: DetectionExample, labels: Sequence[str]) -> Objects:
    """Without boxes of other labels, and of less than a pixel in the image."""
    image, scale = shrunk(example.image, LONGEST)
    boxes, numbers = arrays(example, labels)
    height, width = image.shape[:2]
    boxes = geometry.within(boxes * scale, width, height)
    kept = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= 1
    return Objects(image, boxes[kept], numbers[kept])
