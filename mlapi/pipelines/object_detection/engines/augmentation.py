"""Variations of examples: other sizes and places, light and colour, objects of other images.

Nothing is mirrored or turned: a label may depend on it, as a digit's does.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.inputs import Objects

_ZOOM = 1.6
_VISIBLE = 0.4  # of an object's area, for it to be one still
_PASTED = 3  # at most
_EDGE = 0.08  # of a pasted object's side, over which it fades in


def varied(
    example: Objects, others: Sequence[Objects], side: int, rng: np.random.Generator
) -> Objects:
    """(side, side, 3): a variation of the example, with objects of the others in it."""
    mixed = _with_pasted(example, others, rng) if rng.random() < 0.5 else example
    return _relit(_zoomed(mixed, side, rng), rng)


def _zoomed(example: Objects, side: int, rng: np.random.Generator) -> Objects:
    height, width = example.image.shape[:2]
    scale = float(np.exp(rng.uniform(-np.log(_ZOOM), np.log(_ZOOM))))
    stretch = float(np.exp(rng.normal(0, 0.06)))
    scales = np.array([scale * stretch, scale / stretch])
    room = np.array([side - width * scales[0], side - height * scales[1]])
    left, top = rng.uniform(np.minimum(room, 0), np.maximum(room, 0))
    matrix = np.array([[scales[0], 0, left], [0, scales[1], top]])
    grey = (127,) * 3
    # Shrunk by its area's mean, or fine patterns would turn into others.
    source = example.image
    if scale < 0.8:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        source = cv2.resize(source, size, interpolation=cv2.INTER_AREA)
        matrix[0, 0] *= width / size[0]
        matrix[1, 1] *= height / size[1]
    image = cv2.warpAffine(source, matrix, (side, side), borderValue=grey)
    boxes = example.boxes * np.tile(scales, 2) + np.array([left, top, left, top])
    inside = geometry.within(boxes, side, side)
    areas = geometry.areas(boxes)
    sides = (inside[:, 2:] - inside[:, :2]).min(axis=1, initial=np.inf)
    kept = (geometry.areas(inside) >= _VISIBLE * areas) & (sides >= 4)
    return Objects(image, inside[kept], example.labels[kept])


def _relit(example: Objects, rng: np.random.Generator) -> Objects:
    image = example.image.astype(np.float32)
    middle = image.mean()
    image = (image - middle) * rng.uniform(0.75, 1.25) + middle + rng.uniform(-25, 25)
    image *= rng.uniform(0.92, 1.08, 3).astype(np.float32)
    if rng.random() < 0.3:
        image += rng.normal(0, rng.uniform(0, 10), image.shape).astype(np.float32)
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (3, 3), 0)
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    return Objects(pixels, example.boxes, example.labels)


def _with_pasted(example: Objects, others: Sequence[Objects], rng: np.random.Generator) -> Objects:
    image, boxes, labels = example.image.copy(), list(example.boxes), list(example.labels)
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, _PASTED + 1))):
        other = others[int(rng.integers(len(others)))]
        if not len(other.boxes):
            continue
        chosen = int(rng.integers(len(other.boxes)))
        left, top, right, bottom = other.boxes[chosen].round().astype(int)
        object_ = other.image[top:bottom, left:right]
        h, w = object_.shape[:2]
        if min(h, w) < 4 or h >= height or w >= width:
            continue
        x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
        box = np.array([x, y, x + w, y + h], float)
        if boxes and geometry.iou(box[None], np.array(boxes)).max() > 0.05:
            continue
        opacity = _faded(h, w)
        under = image[y : y + h, x : x + w]
        under[:] = np.round(under * (1 - opacity) + object_ * opacity)
        boxes.append(box)
        labels.append(other.labels[chosen])
    return Objects(image, np.array(boxes).reshape(-1, 4), np.array(labels, int))


def _faded(height: int, width: int) -> np.ndarray:
    def ramp(size: int) -> np.ndarray:
        from_edge = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
        return np.clip(from_edge / max(1.0, _EDGE * size), 0, 1)

    return np.minimum(ramp(height)[:, None], ramp(width)[None])[..., None]
