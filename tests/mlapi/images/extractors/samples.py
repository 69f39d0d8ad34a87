"""Real images that come with scikit-learn: digits, the same in ink, tiles of photographs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from sklearn.datasets import load_digits, load_sample_images

INKS = {"red": (200, 30, 40), "green": (20, 140, 60), "blue": (40, 70, 200)}


@dataclass
class Labelled:
    """RGB images of uint8, and the label of each."""

    images: list[np.ndarray]
    labels: np.ndarray


def digits() -> Labelled:
    """1,797 handwritten digits of 8x8, white on black."""
    grey, labels = _digits()
    return Labelled([np.repeat(image[..., None], 3, axis=2) for image in grey], labels)


def inked_digits(count: int = 1797) -> Labelled:
    """The digits on white paper in red, green or blue ink; the ink is the label."""
    grey, _ = _digits()
    inks = np.random.default_rng(0).integers(len(INKS), size=count)
    colours = np.array(list(INKS.values()))
    images = []
    for image, ink in zip(grey[:count], inks, strict=True):
        wet = image[..., None] / 255
        images.append(np.round(255 * (1 - wet) + colours[ink] * wet).astype(np.uint8))
    return Labelled(images, np.array(list(INKS))[inks])


def tiles(side: int) -> Labelled:
    """The two photographs of scikit-learn, cut into squares; the photograph is the label."""
    images, labels = [], []
    for number, photograph in enumerate(load_sample_images().images):
        h, w = photograph.shape[:2]
        for y in range(0, h - side + 1, side):
            for x in range(0, w - side + 1, side):
                images.append(photograph[y : y + side, x : x + side])
                labels.append(number)
    return Labelled(images, np.array(labels))


def write_pngs(folder: Path, images: Sequence[np.ndarray]) -> dict[int, Path]:
    """Each image as a PNG in the folder; the paths by number, from 0."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {i: folder / f"{i:04d}.png" for i in range(len(images))}
    for i, path in paths.items():
        content = cv2.imencode(".png", cv2.cvtColor(images[i], cv2.COLOR_RGB2BGR))[1]
        path.write_bytes(content.tobytes())
    return paths


def _digits() -> tuple[np.ndarray, np.ndarray]:
    found = load_digits()
    return np.round(found.images * (255 / 16)).astype(np.uint8), found.target
