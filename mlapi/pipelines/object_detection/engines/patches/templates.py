"""Makes the templates: linear discriminants between a group of objects and windows in general.

All templates of a shape share the mean and covariance of the windows (Hariharan and others, 2012),
so that one object is enough to make one.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.cluster import KMeans

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.inputs import Objects
from mlapi.pipelines.object_detection.engines.patches import channels
from mlapi.pipelines.object_detection.engines.patches.channels import CELL
from mlapi.pipelines.object_detection.engines.patches.proposals import (
    Proposer,
    Scales,
    Template,
    largest_scale,
    scaled,
)

_SIDE = 24.0  # of a window, in pixels of its scale; less where objects are smaller than that
_LEAST_SIDE = 12.0
_MOST_SHAPES = 4
_SHAPE_STEP = 0.8  # octaves of aspect that one shape is used for
_LONGEST = 20  # cells
_MOST_TEMPLATES = 12
_MOST_IMAGES = 200  # whose windows are sampled
_WINDOWS = 4000
_SHRINK = 0.05  # of the covariance, towards its mean variance


def fit(
    images: Sequence[Objects], rng: np.random.Generator, deadline: Callable[[], None]
) -> Proposer:
    """Templates of the images' objects, of which there is at least one."""
    every = np.concatenate([some.boxes for some in images])
    scales = _scales(images)
    shapes = _shapes(every, scales.side)
    aspects = _log_aspect(every)
    nearest = np.abs(
        aspects[:, None] - np.log([columns / rows for rows, columns in shapes])[None]
    ).argmin(axis=1)
    windows = _sampled(images, scales, shapes, rng, deadline)
    of_image = np.repeat(np.arange(len(images)), [len(some.boxes) for some in images])
    labels = np.concatenate([some.labels for some in images])
    templates: list[Template] = []
    for number, shape in enumerate(shapes):
        mine = np.flatnonzero(nearest == number)
        crops = np.empty((len(mine), *shape, channels.CHANNELS), np.float32)
        for image in np.unique(of_image[mine]):
            deadline()
            here = np.flatnonzero(of_image[mine] == image)
            crops[here] = channels.of_crops(images[image].image, every[mine[here]], *shape)
        most = max(1, _MOST_TEMPLATES // len(shapes))
        groups = _groups(crops, labels[mine], most)
        templates += _discriminants(crops, groups, windows[number], shape)
    return Proposer(templates, scales)


def _scales(images: Sequence[Objects]) -> Scales:
    sides = np.sqrt(geometry.areas(np.concatenate([some.boxes for some in images])))
    least, most = np.percentile(sides, [2, 98])
    shapes = [some.image.shape[:2] for some in images if len(some.boxes)]
    enlarged = float(np.median([largest_scale(*shape) for shape in shapes]))
    side = float(np.clip(least * enlarged, _LEAST_SIDE, _SIDE))
    return Scales(side, float(max(least, 1.0)), float(max(most, 1.0)))


def _shapes(boxes: np.ndarray, side: float) -> list[tuple[int, int]]:
    """Rows and columns of the windows: of equal area, of the aspects of the boxes."""
    aspects = _log_aspect(boxes)
    low, high = np.percentile(aspects, [3, 97])
    count = int(np.clip(np.ceil((high - low) / np.log(2) / _SHAPE_STEP), 1, _MOST_SHAPES))
    count = min(count, len(np.unique(aspects.round(2))))
    if count == 1:
        middles = np.array([np.median(aspects)])
    else:
        found = KMeans(count, n_init=4, random_state=0).fit(aspects[:, None])
        middles = np.sort(found.cluster_centers_[:, 0])
    cells = side / CELL
    sizes = [(cells * np.exp(-a / 2), cells * np.exp(a / 2)) for a in middles]
    found = [tuple(int(np.clip(round(n), 2, _LONGEST)) for n in size) for size in sizes]
    return list(dict.fromkeys(found))


def _log_aspect(boxes: np.ndarray) -> np.ndarray:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.log(sides[:, 0] / sides[:, 1])


def _sampled(
    images: Sequence[Objects],
    scales: Scales,
    shapes: Sequence[tuple[int, int]],
    rng: np.random.Generator,
    deadline: Callable[[], None],
) -> list[np.ndarray]:
    """For each shape (n, values) windows of any place and scale that are no object."""
    sample = [images[n] for n in rng.permutation(len(images))[:_MOST_IMAGES]]
    found: list[list[np.ndarray]] = [[] for _ in shapes]
    for some in sample:
        deadline()
        each = -(-_WINDOWS // len(sample) // len(scales.of(*some.image.shape[:2])))
        for scale, cells in scaled(some.image, scales):
            for number, (rows, columns) in enumerate(shapes):
                space = cells.shape[0] - rows + 1, cells.shape[1] - columns + 1
                if min(space) < 1:
                    continue
                top = rng.integers(space[0], size=each)
                left = rng.integers(space[1], size=each)
                places = np.stack([left, top, left + columns, top + rows], axis=1) * CELL / scale
                free = geometry.iou(places, some.boxes).max(axis=1, initial=0) < 0.5
                at = zip(top[free], left[free], strict=True)
                taken = [cells[y : y + rows, x : x + columns].ravel() for y, x in at]
                found[number] += taken
    return [
        np.stack([np.zeros(rows * columns * channels.CHANNELS, np.float32), *taken])
        for taken, (rows, columns) in zip(found, shapes, strict=True)
    ]


def _groups(crops: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """The group of each crop: its label, or where labels are many, the labels that look alike."""
    known, numbers = np.unique(labels, return_inverse=True)
    if len(known) <= most:
        return numbers
    means = np.stack([crops[numbers == n].mean(axis=0).ravel() for n in range(len(known))])
    return KMeans(most, n_init=4, random_state=0).fit_predict(means)[numbers]


def _discriminants(
    crops: np.ndarray, groups: np.ndarray, windows: np.ndarray, shape: tuple[int, int]
) -> list[Template]:
    mean = windows.mean(axis=0, dtype=np.float64)
    covariance = np.cov(windows, rowvar=False, ddof=0).astype(np.float64)
    average = max(np.trace(covariance) / len(covariance), 1e-4)
    covariance += _SHRINK * average * np.eye(len(covariance))
    groups_of = np.unique(groups)
    means = np.stack([crops[groups == g].mean(axis=0).ravel() for g in groups_of])
    weights = np.linalg.solve(covariance, (means - mean).T).T
    biases = -(weights * (means + mean)).sum(axis=1) / 2
    return [
        Template(w.reshape(*shape, channels.CHANNELS).astype(np.float32), float(b))
        for w, b in zip(weights, biases, strict=True)
    ]
