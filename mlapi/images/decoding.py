"""Reads an image file of any kind into upright RGB pixels, within bounds of size and memory."""

import contextlib
import mmap
import re
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from PIL import (
    AvifImagePlugin,  # noqa: F401 - each registers itself: here, once, and not in a race
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from mlapi.domain import InputError
from mlapi.images import pixels
from mlapi.images.features import SizedImage

# Each scan is a pass over all pixels that 140 bytes can ask for: a file of 0.4 MB with 10,000 of
# them takes minutes. Encoders write 10, some 20.
MAX_SCANS = 50

# Within a scan's data, 0xFF stands before 0 or the number of a restart; else it begins a marker.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, 0xD8})


def count_scans(file: IO[bytes]) -> int:
    """The scans of the first image in the file, not of its thumbnail; stops above MAX_SCANS."""
    scans = 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        while (marker := _MARKER.search(data, at)) and (kind := marker[1][0]) != _END:
            at = marker.end()
            if kind not in _WITHOUT_LENGTH:
                at += int.from_bytes(data[at : at + 2], "big")
            scans += kind == _SCAN
            if scans > MAX_SCANS:
                break
    return scans


# No others: some start programs (EPS), some have no pixels, some can hold any of the others.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")
# Decoding takes at its peak, in bytes of memory for each pixel (measured with Pillow 13): JPEG 0.1
# where it becomes much smaller, as it is decoded at an eighth, and 3 to 8 if it is progressive;
# PNG, GIF, BMP 1 to 4; TIFF 4 to 8; AVIF 9; WebP 16. So none takes more than 0.9 GB to make small.
MAX_PIXELS = 100_000_000
MAX_PIXELS_OF = {"WEBP": 55_000_000, "AVIF": 90_000_000}

# Larger ones are decoded one after the other, so that a process needs that memory only once.
_LARGE = 16_000_000
_turn = threading.Lock()
# Pillow takes memory in blocks of 16 MB, which glibc keeps for the thread that gave them back: four
# threads that took turns had three times the memory of one. Blocks above 32 MB it always returns.
Image.core.set_block_size(64 * 2**20)

# Pillow warns, on stderr, of sizes that we have limits of our own for, and of damage that is no
# reason not to show an image. Its error, at 179 megapixels, stays: it is the limit of JPEGs that
# are decoded at a fraction.
warnings.filterwarnings("ignore", module=r"PIL\.")

_SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|.{4}ftypavi[fs]|BM.{12}"
    rb"|II[*+]\0|MM\0[*+]|P[1-6]\s",
    re.DOTALL,
)
_ANY = re.DOTALL | re.IGNORECASE
_OTHERS = (
    (rb"%PDF-", "a PDF"),
    (
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.{0,900}?-->\s*)?<(!DOCTYPE\s+)?svg",
        "an SVG drawing",
    ),
    (rb"\s*<(!doctype html|html|head|body)", "a web page"),
)
_UNREAD_FORMATS = (
    # ISO/IEC 23008-12: HEIF with images in HEVC, and its generic brands.
    (rb".{4}ftyp(hei[cxms]|hev[cxms]|heif|mif[12]|msf1)", "a HEIC image"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL image"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (rb".{128}DICM", "a DICOM image"),
    (rb"8BP[SB]\0", "a Photoshop image"),
    (rb"\0\0[\1\2]\0[^\0]\0", "an icon"),
)
_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")
_STRIPS, _TILES = 273, 324  # the tags of where a TIFF's pixels are
_READ = "JPEG, PNG, GIF, WebP, AVIF, BMP and TIFF are read."
_UNKNOWN_TIFF = "The TIFF has pixels or a compression that are not read."


def read_image(path: Path, max_side: int) -> np.ndarray:
    """The image as an array of uint8 (height, width, 3), RGB, as a viewer would show it.

    Upright by its EXIF orientation, the first frame of an animation, transparency on white,
    16 bits by their upper half, and made smaller so that no side is longer than `max_side`
    pixels; never larger.

    Raises InputError and nothing else for whatever the file holds, with one of the codes
    image_missing, image_empty, image_format, not_an_image, image_broken, image_too_large.
    """
    return read_sized(path, max_side).pixels


def read_sized(path: Path, max_side: int) -> SizedImage:
    """As `read_image`, with the size of the file's image, also upright."""
    if max_side < 1:
        raise ValueError("max_side is at least 1")
    try:
        with path.open("rb") as file:
            return _read(file, max_side)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError("image_missing", "The file of the image is gone.") from None
    except (MemoryError, Image.DecompressionBombError) as error:
        raise InputError("image_too_large", "The image is far too large.") from error
    except Exception as error:  # noqa: BLE001 - decoders raise anything for a file that is broken
        raise InputError(
            "image_broken", "The image cannot be decoded: it is cut short or damaged."
        ) from error


def read_or_error(file: Path | InputError, max_side: int) -> SizedImage | InputError:
    """As `read_sized`, with the error in place of the image; also that of a file that is none."""
    if isinstance(file, InputError):
        return file
    try:
        return read_sized(file, max_side)
    except InputError as error:
        return error


def _read(file: IO[bytes], max_side: int) -> SizedImage:
    with _opened(file) as image:
        size = image.size
        held = _bound(image, file, max_side)
        is_fraction = image.size != size
        # Closed while it is still its turn, which is what gives the memory back.
        with _turn if held > _LARGE else contextlib.nullcontext(), contextlib.closing(image):
            image.load()
            # After loading, which turns a TIFF upright.
            orientation = _orientation(image)
            whole = size if is_fraction else image.size
            target = pixels.fitting(whole, max_side)
            array = pixels.downscaled(image, target)
    upright = pixels.upright(array, orientation)
    is_sideways = orientation in pixels.SIDEWAYS
    return SizedImage(upright, (whole[1], whole[0]) if is_sideways else (whole[0], whole[1]))


def _opened(file: IO[bytes]) -> Image.Image:
    head = file.read(1024)
    if not head:
        raise InputError("image_empty", "The file of the image is empty.")
    file.seek(0)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        if _TIFF.match(head) and _is_unknown_tiff(file):
            raise InputError("image_format", _UNKNOWN_TIFF) from error
        if _SIGNATURES.match(head):
            raise
        if format_ := _name_of(head, _UNREAD_FORMATS):
            raise InputError("image_format", f"The file is {format_}. {_READ}") from error
        name = _name_of(head, _OTHERS) or "no image"
        raise InputError("not_an_image", f"The file is {name}. {_READ}") from error


def _is_unknown_tiff(file: IO[bytes]) -> bool:
    """Whether the decoder does not know the TIFF's pixels or compression; else it is damaged."""
    file.seek(0)
    try:
        TiffImagePlugin.TiffImageFile(file)
    except SyntaxError as error:
        unknown = error.__cause__
        if isinstance(unknown, KeyError):  # the compression that it has no decoder for
            return unknown.args[0] not in (_STRIPS, _TILES)
        return str(error).startswith("unknown")
    except Exception:  # noqa: BLE001 - decoders raise anything for a file that is broken
        return False
    return False


def _bound(image: Image.Image, file: IO[bytes], max_side: int) -> int:
    """Have a JPEG decoded at a fraction; the pixels that memory will hold of the file.

    Raises InputError if they are too many.
    """
    if image.format not in {"JPEG", "MPO"}:
        return _require_size(image)
    scans = count_scans(file)
    if scans > MAX_SCANS:
        raise InputError("image_too_large", f"The JPEG has more than {MAX_SCANS} scans.")
    # A progressive one is held whole, whatever it becomes.
    held = _require_size(image) if scans > 1 else 0
    image.draft(image.mode, pixels.fitting(image.size, max_side))
    return max(held, _require_size(image))


def _require_size(image: Image.Image) -> int:
    count = image.width * image.height
    limit = MAX_PIXELS_OF.get(image.format or "", MAX_PIXELS)
    if count > limit:
        raise InputError(
            "image_too_large",
            f"The image has {count / 1e6:.0f} megapixels; at most {limit / 1e6:.0f} are read.",
        )
    return count


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - an image with broken EXIF is shown as it lies
        return 1


def _name_of(head: bytes, kinds: Sequence[tuple[bytes, str]]) -> str:
    """The name of the first kind of file that begins so; "" if none does."""
    matching = (name for pattern, name in kinds if re.match(pattern, head, _ANY))
    return next(matching, "")
