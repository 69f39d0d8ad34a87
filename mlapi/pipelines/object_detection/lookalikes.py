"""The other objects of an image that look like one that was just drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mlapi.domain import ScoredValue
from mlapi.images.features import SizedImage
from mlapi.label_types.geometry import Rectangle, from_pixels, overlaps
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection.engines.inputs import shrunk

_SIDE = 480  # pixels; correlation takes a time that grows with the image and the object
_SCALES = (0.8, 0.9, 1.0, 1.12, 1.25)
_LIKE = 0.75  # the correlation from which two places look alike
_OF_MODEL = 0.5  # where the model has a candidate of the label
_SAME = 0.3  # the overlap from which two boxes are of one object
_COLOUR = 45  # of 255, by which the mean colours of two places may differ in each channel
_MARGIN = 0.15  # around an object, of its sides
_LEAST, _MOST = 6, 50  # pixels of a side; objects
_PEAKS = 300


def lookalikes(
    image: SizedImage, drawn: Sequence[LabelledBox], candidates: Sequence[LabelledBox]
) -> tuple[ScoredValue, ...]:
    """The objects of the labels that were drawn, best first, without those that were.

    By the correlation of their pixels with each drawn box at several scales, and by the model's own
    candidates of the label, from a lower correlation.
    """
    pixels, _ = shrunk(image.pixels, _SIDE)
    found = [
        one
        for box in drawn
        for one in (
            *_correlated(pixels, box),
            *_of_candidates(pixels, box, [c for c in candidates if c.label == box.label]),
        )
    ]
    found.sort(key=lambda one: -one.score)
    kept: list[ScoredValue] = []
    known = [box.place for box in drawn]
    for one in found:
        if len(kept) < _MOST and not (overlaps([one.value.place], known) >= _SAME).any():
            kept.append(one._replace(value=replace(one.value, size=image.size)))
            known.append(one.value.place)
    return tuple(kept)


@dataclass(frozen=True)
class _Window:
    """A box in pixels, and the same with a margin: an outline tells more than what is plain."""

    inner: tuple[int, int, int, int]  # left, top, right, bottom
    outer: tuple[int, int, int, int]

    @classmethod
    def of(cls, place: Rectangle, width: int, height: int) -> "_Window":
        left, top, right, bottom = place.in_pixels(width, height)
        x, y = max(2.0, _MARGIN * (right - left)), max(2.0, _MARGIN * (bottom - top))
        return cls(
            _whole(left, top, right, bottom, width, height),
            _whole(left - x, top - y, right + x, bottom + y, width, height),
        )


def _whole(
    left: float, top: float, right: float, bottom: float, width: int, height: int
) -> tuple[int, int, int, int]:
    x = min(max(0, round(left)), width - 1)
    y = min(max(0, round(top)), height - 1)
    return x, y, min(max(x + 1, round(right)), width), min(max(y + 1, round(bottom)), height)


def _crop(pixels: np.ndarray, sides: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = sides
    return pixels[top:bottom, left:right]


def _colour(pixels: np.ndarray, sides: tuple[int, int, int, int]) -> np.ndarray:
    return _crop(pixels, sides).mean(axis=(0, 1))


def _correlated(pixels: np.ndarray, box: LabelledBox) -> Iterator[ScoredValue]:
    height, width = pixels.shape[:2]
    drawn = _Window.of(box.place, width, height)
    template, colour = _crop(pixels, drawn.outer), _colour(pixels, drawn.inner)
    for scale in _SCALES:
        w, h = (round(side * scale) for side in template.shape[1::-1])
        if min(w, h) < _LEAST or w > width or h > height:
            continue
        scores = _correlation(pixels, cv2.resize(template, (w, h), interpolation=cv2.INTER_AREA))
        ys, xs = np.nonzero(scores >= _LIKE)
        best = np.argsort(-scores[ys, xs])[:_PEAKS]
        for y, x in zip(ys[best].tolist(), xs[best].tolist(), strict=True):
            left, top = (
                at + scale * (inner - outer)
                for at, inner, outer in zip((x, y), drawn.inner, drawn.outer, strict=False)
            )
            right = left + scale * (drawn.inner[2] - drawn.inner[0])
            bottom = top + scale * (drawn.inner[3] - drawn.inner[1])
            sides = _whole(left, top, right, bottom, width, height)
            place = from_pixels(left, top, right, bottom, width, height)
            is_alike = np.abs(_colour(pixels, sides) - colour).max() < _COLOUR
            if place is not None and is_alike:
                yield ScoredValue(LabelledBox(box.label, place), float(min(1.0, scores[y, x])))


def _of_candidates(
    pixels: np.ndarray, box: LabelledBox, candidates: Sequence[LabelledBox]
) -> Iterator[ScoredValue]:
    height, width = pixels.shape[:2]
    drawn = _Window.of(box.place, width, height)
    template, colour = _crop(pixels, drawn.outer), _colour(pixels, drawn.inner)
    for candidate in candidates:
        other = _Window.of(candidate.place, width, height)
        resized = cv2.resize(_crop(pixels, other.outer), template.shape[1::-1])
        like = float(_correlation(resized, template)[0, 0])
        is_alike = np.abs(_colour(pixels, other.inner) - colour).max() < _COLOUR
        if like >= _OF_MODEL and is_alike:
            yield ScoredValue(replace(candidate, score=None, candidate=False), min(1.0, like))


def _correlation(pixels: np.ndarray, template: np.ndarray) -> np.ndarray:
    """-1 to 1 at each place; of an even template by the difference, as it has no correlation."""
    if template.std() < 1:
        differs = cv2.matchTemplate(pixels, template, cv2.TM_SQDIFF)
        return 1 - np.sqrt(np.maximum(differs, 0) / template.size) / 64
    found = cv2.matchTemplate(pixels, template, cv2.TM_CCOEFF_NORMED)
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0).clip(-1, 1)
