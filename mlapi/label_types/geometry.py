"""The geometry of boxes in percent of an image: overlap, hulls of rotated ones, and matches."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

FOUND_FROM = 0.5  # the overlap from which two boxes are of one object, as in PASCAL VOC and COCO
_WHOLE = 100.0


class Rectangle(NamedTuple):
    """A box in percent of the upright image, from its top left corner."""

    x: float
    y: float
    width: float
    height: float

    def in_pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in an image of that size."""
        across, down = width / _WHOLE, height / _WHOLE
        left, top = self.x * across, self.y * down
        return left, top, left + self.width * across, top + self.height * down


def from_pixels(
    left: float, top: float, right: float, bottom: float, width: int, height: int
) -> Rectangle | None:
    """The part of a box that is in an image of that size; None without an area there."""
    across, down = _WHOLE / width, _WHOLE / height
    sides = (left * across, top * down, (right - left) * across, (bottom - top) * down)
    return _cut(Rectangle(*sides))


def hull(value: Mapping[str, Any], size: tuple[float, float]) -> Rectangle | None:
    """The upright box around a region's rectangle, cut to the image; None for what is none.

    `value` is Label Studio's: percent of an image of this size (width, height), as EXIF turns it
    and the editor does not, and `rotation` in degrees about the top left corner.
    """
    numbers = [_number(value.get(name)) for name in ("x", "y", "width", "height")]
    if any(number is None for number in numbers):
        return None
    x, y, width, height = (number or 0.0 for number in numbers)
    return _cut(_upright(x, y, width, height, _number(value.get("rotation")) or 0.0, size))


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _upright(
    x: float, y: float, width: float, height: float, rotation: float, size: tuple[float, float]
) -> Rectangle:
    """The hull of a box that is rotated about its corner; pixels, unlike percent, are square."""
    if rotation % 360 == 0:
        return Rectangle(x, y, width, height)
    sine, cosine = math.sin(math.radians(rotation)), math.cos(math.radians(rotation))
    across, down = size[0] / _WHOLE, size[1] / _WHOLE
    w, h = width * across, height * down
    corners = [(0.0, 0.0), (w * cosine, w * sine), (-h * sine, h * cosine)]
    corners.append((corners[1][0] + corners[2][0], corners[1][1] + corners[2][1]))
    xs, ys = ([corner[axis] for corner in corners] for axis in (0, 1))
    left, top = x + min(xs) / across, y + min(ys) / down
    return Rectangle(left, top, (max(xs) - min(xs)) / across, (max(ys) - min(ys)) / down)


def _cut(box: Rectangle) -> Rectangle | None:
    """The part within the image; None without an area there."""
    left, top = max(0.0, box.x), max(0.0, box.y)
    right = min(_WHOLE, box.x + box.width)
    bottom = min(_WHOLE, box.y + box.height)
    if not (right > left and bottom > top):
        return None
    return Rectangle(*(round(v, 4) for v in (left, top, right - left, bottom - top)))


def overlaps(one: Sequence[Rectangle], other: Sequence[Rectangle]) -> "np.ndarray":
    """(len(one), len(other)): intersection over union of each pair."""
    import numpy as np

    a, b = (np.array(boxes, dtype=float).reshape(-1, 4) for boxes in (one, other))
    begin = np.maximum(a[:, None, :2], b[None, :, :2])
    end = np.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
    both = np.clip(end - begin, 0, None).prod(axis=2)
    union = a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)[None] - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0)


def match(
    one: Sequence[Rectangle],
    other: Sequence[Rectangle],
    alike: Callable[[int, int], bool] = lambda i, j: True,
) -> list[tuple[int, int]]:
    """Pairs of boxes of one object by their places, the largest overlap first, each once.

    Only pairs that are `alike`.
    """
    import numpy as np

    if not one or not other:
        return []
    found = overlaps(one, other)
    rows, columns = np.nonzero(found >= FOUND_FROM)
    order = np.argsort(-found[rows, columns], kind="stable")
    pairs: list[tuple[int, int]] = []
    rest_of_one, rest_of_other = set(range(len(one))), set(range(len(other)))
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if i in rest_of_one and j in rest_of_other and alike(i, j):
            pairs.append((i, j))
            rest_of_one.remove(i)
            rest_of_other.remove(j)
    return pairs
