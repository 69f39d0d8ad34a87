"""Scenes of coloured shapes on noise, with the boxes that people would draw around them."""

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tests.mlapi.image_files import png

_ORIENTATION, _TOP_IS_RIGHT = 0x0112, 6
INKS = {"red": (215, 40, 40), "blue": (40, 60, 215), "green": (30, 160, 50)}


@dataclass(frozen=True)
class Scene:
    """An image (h, w, 3), and its objects as (label, left, top, right, bottom) in pixels."""

    image: np.ndarray
    objects: tuple[tuple[str, int, int, int, int], ...]

    @property
    def file(self) -> bytes:
        return png(self.image)

    @property
    def file_on_its_side(self) -> bytes:
        """A JPEG that lies on its side, which a browser turns upright by its EXIF."""
        file = io.BytesIO()
        exif = Image.Exif()
        exif[_ORIENTATION] = _TOP_IS_RIGHT
        lying = Image.fromarray(self.image).rotate(90, expand=True)
        lying.save(file, "JPEG", quality=95, exif=exif)
        return file.getvalue()

    def result(self, control: str = "box", **changed: Any) -> list[dict]:
        """The objects as the result of an annotation of RectangleLabels."""
        return [
            region(control, label, self.image.shape[1::-1], *sides, **changed)
            for label, *sides in self.objects
        ]


def region(control, label, size, left, top, right, bottom, **changed) -> dict:
    """A region of RectangleLabels."""
    width, height = size
    value = {
        "x": 100 * left / width,
        "y": 100 * top / height,
        "width": 100 * (right - left) / width,
        "height": 100 * (bottom - top) / height,
        "rotation": 0,
        "rectanglelabels": [label],
    }
    return {
        "id": f"{label}{left}x{top}",
        "from_name": control,
        "to_name": "img",
        "type": "rectanglelabels",
        "value": value,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        **changed,
    }


def scene(number: int, labels: tuple[str, ...] = ("red", "blue"), size=(160, 120)) -> Scene:
    """The scene of that number: up to three squares that do not touch; every fifth is empty."""
    rng = np.random.default_rng(number)
    width, height = size
    image = rng.integers(225, 256, (height, width, 3)).astype(np.uint8)
    taken = np.zeros((height, width), bool)
    objects = []
    for _ in range(0 if number % 5 == 4 else 1 + number % 3):
        w, h = (int(side) for side in rng.integers(18, 40, 2))
        left, top = int(rng.integers(2, width - w - 2)), int(rng.integers(2, height - h - 2))
        if taken[top - 2 : top + h + 2, left - 2 : left + w + 2].any():
            continue
        taken[top - 2 : top + h + 2, left - 2 : left + w + 2] = True
        label = labels[int(rng.integers(len(labels)))]
        cv2.rectangle(image, (left, top), (left + w - 1, top + h - 1), INKS[label], -1)
        objects.append((label, left, top, left + w, top + h))
    return Scene(image, tuple(objects))
