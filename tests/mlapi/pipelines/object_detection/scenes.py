"""Scenes with objects in known places: digits and coloured shapes, pasted on noise and photographs.

The objects have several sizes, some overlap, and some scenes are empty. Training and test scenes
share no digit and no part of a photograph.
"""

from collections.abc import Callable
from functools import cache
from importlib import metadata

import cv2
import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample

DIGITS = ("2", "4", "7")
# The first two differ in nothing but their colour.
SHAPES = ("red disc", "blue disc", "green triangle")
COLOURED = SHAPES[:2]
_RGB = {"red": (205, 40, 45), "blue": (45, 60, 205), "green": (40, 150, 60)}

# An object as (side, side, 3) RGB and (side, side) opacity of 0 to 1.
Drawn = tuple[np.ndarray, np.ndarray]
Draw = Callable[[str, int, np.random.Generator, bool], Drawn]
Photographs = Callable[[], tuple[np.ndarray, ...]]

_SCIKIT_IMAGE = "scikit-image"
_FILES = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "motorcycle_left")


@cache
def two_photographs() -> tuple[np.ndarray, ...]:
    """The two photographs of scikit-learn."""
    return tuple(load_sample_images().images)


@cache
def ten_photographs() -> tuple[np.ndarray, ...]:
    """The photographs of scikit-learn, and eight of scikit-image: people, things and textures."""
    data = metadata.distribution(_SCIKIT_IMAGE)  # its functions would import what is not needed
    read = [cv2.imread(str(data.locate_file(f"skimage/data/{name}.png"))) for name in _FILES]
    return (*two_photographs(), *(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image in read))


def has_ten_photographs() -> bool:
    return any(metadata.distributions(name=_SCIKIT_IMAGE))


def digit_scenes(
    count: int,
    seed: int,
    *,
    test: bool = False,
    side: int = 320,
    photographs: Photographs = two_photographs,
) -> list[DetectionExample]:
    """Handwritten digits of three classes in light or dark ink, of a ninth to a third of a side."""
    return _scenes(count, seed, test, side, DIGITS, _digit, (1 / 9, 1 / 3), photographs)


def shape_scenes(
    count: int,
    seed: int,
    *,
    test: bool = False,
    side: int = 320,
    labels: tuple[str, ...] = SHAPES,
    sizes: tuple[float, float] = (1 / 12, 1 / 3),
    photographs: Photographs = two_photographs,
) -> list[DetectionExample]:
    """Discs and triangles of one colour each, with a little light and shade."""
    return _scenes(count, seed, test, side, labels, _shape, sizes, photographs)


def grey(scenes: list[DetectionExample]) -> list[DetectionExample]:
    """The scenes without colour."""
    return [
        DetectionExample(
            np.repeat(cv2.cvtColor(s.image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2), s.boxes
        )
        for s in scenes
    ]


def crowd(count: int, side: int = 640) -> DetectionExample:
    """A scene with so many small discs, in rows, which don't overlap."""
    rng = np.random.default_rng(0)
    columns = int(np.ceil(np.sqrt(count)))
    pitch = side / columns
    image, boxes = _noise(rng, side, side), []
    for place in range(count):
        label = COLOURED[int(rng.integers(2))]
        size = max(4, int(pitch * 0.8))
        left, top = int(place % columns * pitch), int(place // columns * pitch)
        boxes.append(_paste(image, _shape(label, size, rng, False), label, left, top))
    return DetectionExample(image, tuple(boxes))


def _scenes(
    count: int,
    seed: int,
    test: bool,
    side: int,
    labels: tuple[str, ...],
    draw: Draw,
    sizes: tuple[float, float],
    photographs: Photographs,
) -> list[DetectionExample]:
    rng = np.random.default_rng([seed, test])
    return [
        _scene(rng, test, side, labels, draw, sizes, photographs, number) for number in range(count)
    ]


def _scene(rng, test, side, labels, draw, sizes, photographs, number) -> DetectionExample:
    height, width = (side, side * 3 // 4) if rng.random() < 0.3 else (side * 3 // 4, side)
    if rng.random() < 0.4:
        image = _noise(rng, height, width)
    else:
        image = _photograph(rng, height, width, test, photographs())
    boxes: list[Box] = []
    count = 0 if number % 10 == 9 else int(rng.integers(1, 6))
    overlap = 0.25 if rng.random() < 0.3 else 0.0
    for _ in range(50):
        if len(boxes) == count:
            break
        label = labels[int(rng.integers(len(labels)))]
        size = int(side * np.exp(rng.uniform(*np.log(sizes))))
        drawn = draw(label, size, rng, test)
        h, w = drawn[1].shape
        left, top = int(rng.integers(width - w)), int(rng.integers(height - h))
        place = Box(label, left, top, left + w, top + h)
        if all(_overlap(place, other) <= overlap for other in boxes):
            boxes.append(_paste(image, drawn, label, left, top))
    return DetectionExample(image, tuple(boxes))


def _paste(image: np.ndarray, drawn: Drawn, label: str, left: int, top: int) -> Box:
    colour, opacity = drawn
    h, w = opacity.shape
    under = image[top : top + h, left : left + w]
    opacity = opacity[..., None]
    under[:] = np.round(under * (1 - opacity) + colour * opacity)
    return Box(label, left, top, left + w, top + h)


def _overlap(a: Box, b: Box) -> float:
    """The shared area over the smaller box's."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    areas = [(c.right - c.left) * (c.bottom - c.top) for c in (a, b)]
    return max(0.0, width) * max(0.0, height) / min(areas)


def _digit(label: str, size: int, rng: np.random.Generator, test: bool) -> Drawn:
    """A digit, cropped to its ink; digits of the test split are by other writers."""
    written = _written(label, test)
    ink = written[int(rng.integers(len(written)))]
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.2), np.flatnonzero(ink.max(axis=0) > 0.2)
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = max(6, round(size * ink.shape[1] / ink.shape[0]))
    opacity = np.clip(cv2.resize(ink, (width, size), interpolation=cv2.INTER_CUBIC), 0, 1)
    shade = rng.integers(200, 256) if rng.random() < 0.5 else rng.integers(0, 50)
    return np.full((size, width, 3), shade, np.float32), np.clip(opacity * 1.6, 0, 1)


@cache
def _written(label: str, test: bool) -> np.ndarray:
    digits = load_digits()
    images = (digits.images[digits.target == int(label)] / 16).astype(np.float32)
    half = len(images) // 2
    return images[half:] if test else images[:half]


def _shape(label: str, size: int, rng: np.random.Generator, test: bool) -> Drawn:
    colour, shape = label.split()
    mask = np.zeros((4 * size, 4 * size), np.uint8)
    if shape == "disc":
        cv2.circle(mask, (2 * size, 2 * size), 2 * size - 1, 255, -1)
    else:
        corners = np.array([[2 * size, 0], [4 * size - 1, 4 * size - 1], [0, 4 * size - 1]])
        cv2.fillPoly(mask, [corners], 255)
    opacity = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    light = np.linspace(*rng.uniform(0.8, 1.2, 2), size, dtype=np.float32)[:, None, None]
    shaded = np.array(_RGB[colour], np.float32) * light + rng.normal(0, 6, (size, size, 3))
    return np.clip(shaded, 0, 255), opacity


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coarse and fine noise around one colour."""
    coarse = rng.normal(0, 30, (height // 16 + 1, width // 16 + 1, 3)).astype(np.float32)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image += rng.uniform(40, 215, 3) + rng.normal(0, rng.uniform(2, 20), (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def _photograph(
    rng: np.random.Generator,
    height: int,
    width: int,
    test: bool,
    photographs: tuple[np.ndarray, ...],
) -> np.ndarray:
    """A part of a photograph; those of the test are of the right half."""
    whole = photographs[int(rng.integers(len(photographs)))]
    half = whole.shape[1] // 2
    whole = whole[:, half:] if test else whole[:, :half]
    share = rng.uniform(0.5, 1)
    scale = share * min(whole.shape[0] / height, whole.shape[1] / width)
    h, w = int(height * scale), int(width * scale)
    top = int(rng.integers(whole.shape[0] - h + 1))
    left = int(rng.integers(whole.shape[1] - w + 1))
    part = np.ascontiguousarray(whole[top : top + h, left : left + w])
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
