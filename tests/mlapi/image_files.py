"""Images for the tests, as PNG: digits in grey and in coloured ink, and tiles of photographs."""

import hashlib
from functools import lru_cache

import cv2
import numpy as np
from sklearn.datasets import load_digits, load_sample_images

INKS = {"red": (220, 30, 30), "green": (30, 160, 40), "blue": (40, 50, 220)}


def png(image: np.ndarray) -> bytes:
    """An RGB image (h, w, 3), or a grey one (h, w), as a file."""
    bgr = image[:, :, ::-1] if image.ndim == 3 else image
    return cv2.imencode(".png", np.ascontiguousarray(bgr))[1].tobytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@lru_cache
def digits(n: int | None = None) -> tuple[list[bytes], list[str]]:
    """scikit-learn's 1,797 handwritten digits of 8 by 8 pixels, and what each is."""
    found = load_digits()
    images = np.round(found.images * 255 / 16).astype(np.uint8)[:n]
    return [png(p) for p in images], [str(d) for d in found.target[:n]]


@lru_cache
def inked_digits(n: int) -> tuple[list[bytes], list[str]]:
    """The digits on white paper, each in a red, green or blue ink; and the inks."""
    found = load_digits()
    files, inks = [], []
    for i, image in enumerate(found.images[:n]):
        name = list(INKS)[(i * 7 + i // 3) % 3]
        strength = (image / 16)[:, :, None]
        image = 255 * (1 - strength) + np.array(INKS[name]) * strength
        files.append(png(np.round(image).astype(np.uint8)))
        inks.append(name)
    return files, inks


@lru_cache
def tiles(side: int = 80) -> tuple[list[bytes], list[str]]:
    """scikit-learn's two sample photographs cut into squares; and which photograph each is of."""
    files, names = [], []
    for number, photograph in enumerate(load_sample_images().images):
        height, width = photograph.shape[:2]
        for y in range(0, height - side + 1, side):
            for x in range(0, width - side + 1, side):
                files.append(png(photograph[y : y + side, x : x + side]))
                names.append(f"photograph {number + 1}")
    return files, names
