"""Images that tests draw, and files of them in every format that is read."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 30), (30, 30, 220), (220, 220, 30)


def quarters(width: int = 80, height: int = 60) -> Image.Image:
    """Red and green above blue and yellow, so that it shows which way up it lies."""
    array = np.empty((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    array[:top, :left], array[:top, left:] = RED, GREEN
    array[top:, :left], array[top:, left:] = BLUE, YELLOW
    return Image.fromarray(array)


def noise(width: int = 64, height: int = 48, channels: int = 4, seed: int = 0) -> Image.Image:
    """Pixels without any order, which no format can pack well."""
    shape = (height, width, channels)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def file_of(image: Image.Image, kind: str, **options) -> bytes:
    """The image as a file of Pillow's format name."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> bytes:
    """EXIF that says only how the image lies."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def every_kind() -> dict[str, bytes]:
    """Small files, one of each encoding that is read, by a name for it."""
    rgba = noise()
    rgb = rgba.convert("RGB")
    grey16 = Image.fromarray(np.asarray(rgb)[..., 0].astype(np.uint16) * 257)
    turned = exif(6)
    made: dict[str, Callable[[], bytes]] = {
        "jpeg": lambda: file_of(rgb, "JPEG", exif=turned),
        "progressive jpeg": lambda: file_of(rgb, "JPEG", progressive=True),
        "cmyk jpeg": lambda: file_of(rgb.convert("CMYK"), "JPEG"),
        "mpo": lambda: file_of(rgb, "MPO", save_all=True, append_images=[rgb]),
        "png": lambda: file_of(rgba, "PNG", exif=turned),
        "png palette": lambda: file_of(rgb.convert("P"), "PNG", transparency=3),
        "png 16 bit": lambda: file_of(grey16, "PNG"),
        "png animated": lambda: file_of(rgba, "PNG", save_all=True, append_images=[rgba.rotate(9)]),
        "gif": lambda: file_of(rgb.convert("P"), "GIF", save_all=True, append_images=[rgb]),
        "webp": lambda: file_of(rgba, "WEBP", exif=turned),
        "webp lossless": lambda: file_of(rgba, "WEBP", lossless=True),
        "webp animated": lambda: file_of(
            rgba, "WEBP", save_all=True, append_images=[rgba.rotate(9)]
        ),
        "avif": lambda: file_of(rgb, "AVIF", speed=10),
        "bmp": lambda: file_of(rgb, "BMP"),
        "ppm": lambda: file_of(rgb, "PPM"),
        "tiff": lambda: file_of(rgb, "TIFF", exif=turned),
        "tiff lzw": lambda: file_of(rgb, "TIFF", compression="tiff_lzw"),
        "tiff deflate": lambda: file_of(rgb, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": lambda: file_of(rgb, "TIFF", compression="jpeg"),
        "tiff fax": lambda: file_of(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff big": lambda: file_of(rgb, "TIFF", big_tiff=True),
    }
    return {name: make() for name, make in made.items()}
