"""Drawn shapes as images in `data:` addresses, of which one kind is labelled badly."""

import base64
import random
from collections.abc import Iterator

import cv2
import numpy as np

LABELS = ("Circle", "Square", "Triangle", "Cross")
_BAD, _TAKEN_FOR = "Triangle", "Cross"  # people mix them up
_BAD_SHARE = 0.35
_SIDE = 64  # pixels


def shapes(n: int, seed: int) -> Iterator[tuple[dict[str, str], str]]:
    """`n` tasks' data and the label that a human gave, the shapes in turn."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    for number in range(n):
        shape = LABELS[number % len(LABELS)]
        _, file = cv2.imencode(".png", _drawn(shape, rng))
        address = f"data:image/png;base64,{base64.b64encode(file.tobytes()).decode()}"
        is_mixed_up = shape == _BAD and rng.random() < _BAD_SHARE
        yield {"image": address}, _TAKEN_FOR if is_mixed_up else shape


def _drawn(shape: str, rng: random.Random) -> np.ndarray:
    image = np.full((_SIDE, _SIDE, 3), rng.randint(200, 255), np.uint8)
    ink = tuple(rng.randint(0, 140) for _ in range(3))
    x, y = (rng.randint(24, _SIDE - 24) for _ in range(2))
    r = rng.randint(12, 20)
    corners = {
        "Square": [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
        "Triangle": [(x, y - r), (x + r, y + r), (x - r, y + r)],
    }
    if shape == "Circle":
        cv2.circle(image, (x, y), r, ink, -1)
    elif shape == "Cross":
        cv2.line(image, (x - r, y - r), (x + r, y + r), ink, 5)
        cv2.line(image, (x - r, y + r), (x + r, y - r), ink, 5)
    else:
        cv2.fillPoly(image, [np.array(corners[shape], np.int32)], ink)
    return image


CONFIG = (
    '<View><Image name="image" value="$image"/><Choices name="shape" toName="image">'
    + "".join(f'<Choice value="{label}"/>' for label in LABELS)
    + "</Choices></View>"
)
