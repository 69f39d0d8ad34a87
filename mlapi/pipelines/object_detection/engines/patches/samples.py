"""Windows to learn from: what the templates propose, what lies around objects, and mistakes."""

from collections.abc import Callable, Sequence

import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.inputs import Objects
from mlapi.pipelines.object_detection.engines.patches import head
from mlapi.pipelines.object_detection.engines.patches.head import Samples

_OBJECT = 0.5  # IoU with an object's box from which a window shows it
_BACKGROUND = 0.4  # and below which it doesn't; of those between the label isn't learned
_MOST_OBJECTS, _MOST_BACKGROUND = 4_000, 16_000  # windows in all
_LEAST_AROUND, _MOST_AROUND = 4, 30  # windows around each object
_MOST_SURROUNDED = 200  # objects of an image
_NEAR = 0.08  # the spread of windows around an object, as a share of its side
_FAR = 0.35


Windows = Callable[[np.ndarray], np.ndarray]


def drawn(
    objects: Sequence[Objects],
    windows: Windows,
    n_labels: int,
    rng: np.random.Generator,
    deadline: Callable[[], None],
) -> Samples:
    """Of each image the windows that `windows` gives, the best first, and those around objects."""
    n_objects = sum(len(some.boxes) for some in objects)
    around = int(np.clip(_MOST_OBJECTS // max(1, n_objects), _LEAST_AROUND, _MOST_AROUND))
    most_of_image = max(8, _MOST_BACKGROUND // len(objects))
    most_objects = max(8, _MOST_OBJECTS * 2 // len(objects))
    found = []
    for some in objects:
        deadline()
        some_of = some.boxes[rng.permutation(len(some.boxes))[:_MOST_SURROUNDED]]
        around_them = [_moved(some_of, around, _NEAR, rng), _moved(some_of, 6, _FAR, rng)]
        boxes = np.concatenate([some.boxes, *around_them, windows(some.image)])
        found.append(_labelled(some, boxes, n_labels, most_of_image, most_objects, rng))
    return joined(found)


def joined(samples: Sequence[Samples]) -> Samples:
    names = ("features", "labels", "near", "offsets")
    return Samples(*(np.concatenate([getattr(s, name) for s in samples]) for name in names))


def _labelled(
    some: Objects,
    boxes: np.ndarray,
    n_labels: int,
    most_background: int,
    most_objects: int,
    rng: np.random.Generator,
) -> Samples:
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= 1]
    labels: np.ndarray = np.full(len(boxes), n_labels)
    best: np.ndarray = np.zeros(len(boxes))
    steps: np.ndarray = np.zeros((len(boxes), 4))
    if len(some.boxes):
        overlaps = geometry.iou(boxes, some.boxes)
        nearest, best = overlaps.argmax(axis=1), overlaps.max(axis=1)
        labels = np.where(best >= _OBJECT, some.labels[nearest], n_labels)
        steps = geometry.offsets(boxes, some.boxes[nearest])
    near = np.flatnonzero(best >= _OBJECT)
    near = near[np.sort(rng.permutation(len(near))[:most_objects])]
    taken = np.concatenate([near, np.flatnonzero(best < _BACKGROUND)[:most_background]])
    is_near = best[taken] >= _OBJECT
    return Samples(
        head.describe(some.image, boxes[taken]),
        labels[taken],
        is_near,
        np.where(is_near[:, None], steps[taken], 0.0),
    )


def _moved(boxes: np.ndarray, times: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    steps = rng.normal(0, spread, (len(boxes) * times, 4))
    return geometry.moved(np.repeat(boxes, times, axis=0), steps)
