"""Turns the pixels of a decoded image into RGB, smaller and upright, a band of rows at a time."""

from collections.abc import Callable

import numpy as np
from PIL import Image

# A band's pixels. What is converted is a copy, and so never of the whole image.
_BAND = 1_000_000
SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that exchange width and height
_WIDEST = ((0.0, 1.0), (0.0, 255.0), (0.0, 65535.0))


def fitting(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Width and height with the longer side at most `max_side`: the same shape, never larger."""
    width, height = size
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def downscaled(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """uint8 (height, width, 3) of a loaded image, on white, of the given width and height.

    First each factor x factor block becomes its mean, so that at least twice that size
    is left, then the rest by linear interpolation over what a pixel covers.
    """
    width, height = image.size
    factor = max(1, max(width, height) // (2 * max(size)))
    rows = max(1, _BAND // (width * factor)) * factor
    to_rgb = _to_rgb(image)
    array = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for top in range(0, height, rows):
        band = to_rgb(image.crop((0, top, width, min(top + rows, height))))
        if factor > 1:
            band = band.reduce(factor)
        array[top // factor : top // factor + band.height] = np.asarray(band)
    if size == (array.shape[1], array.shape[0]):
        return array
    return np.array(Image.fromarray(array).resize(size, Image.Resampling.BILINEAR))


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """The array turned and mirrored as EXIF's orientation (1 to 8) says; others say nothing."""
    turned = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a),
    }.get(orientation)
    return array if turned is None else np.ascontiguousarray(turned(array))


def _to_rgb(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """How a band of this image becomes RGB."""
    if image.mode.startswith("I;16"):
        return _upper_half
    if image.mode in {"I", "F"}:
        return _stretching(image)
    if image.has_transparency_data:
        return _on_white
    return lambda band: band.convert("RGB")


def _on_white(band: Image.Image) -> Image.Image:
    rgba = band.convert("RGBA")
    white = Image.new("RGB", band.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _upper_half(band: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(band) >> 8).astype(np.uint8)).convert("RGB")


def _stretching(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """For floating point and 32 bits, which have no white of their own.

    It is 1, 255 or 65535 if all values lie within that; else the least value is black and
    the largest white. What is no number is black.
    """
    least, largest = _extremes(image)
    low, high = next(((a, b) for a, b in _WIDEST if a <= least and largest <= b), (least, largest))

    def stretch(band: Image.Image) -> Image.Image:
        values = np.nan_to_num(np.asarray(band, np.float64), nan=low, posinf=high, neginf=low)
        shown = np.clip((values - low) * (255.0 / (high - low or 1.0)), 0, 255)
        return Image.fromarray(shown.round().astype(np.uint8)).convert("RGB")

    return stretch


def _extremes(image: Image.Image) -> tuple[float, float]:
    """The least and the largest finite value; 0 and 0 if there is none."""
    least, largest = np.inf, -np.inf
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        if finite.size:
            least, largest = min(least, float(finite.min())), max(largest, float(finite.max()))
    return (least, largest) if least <= largest else (0.0, 0.0)
