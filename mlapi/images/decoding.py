"""Reads an image file of any kind into upright RGB pixels, within bounds of size and memory."""

import contextlib
import mmap
import os
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
    ImageFile,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from mlapi.domain import InputError
from mlapi.images import jpeg, metadata, netpbm, pixels
from mlapi.images.features import SizedImage

# No others: some start programs (EPS), some have no pixels, some can hold any of the others.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")
# Decoding takes at its peak, in bytes of memory for each pixel (measured with Pillow 13): JPEG 0.1
# where it becomes much smaller, as it is decoded at an eighth, and 3 to 8 if it is progressive;
# PNG, GIF, BMP 1 to 4; TIFF 4 to 8; AVIF 9; WebP 16. So none takes more than 0.9 GB to make small.
MAX_PIXELS = 100_000_000
MAX_PIXELS_OF = {"WEBP": 55_000_000, "AVIF": 90_000_000}

# Larger ones are decoded one after the other, so that a process needs that memory only once.
_LARGE = 16_000_000
# Run-length encoded BMPs are decoded in Python: a second for each MB, and for two million pixels.
_MAX_RLE = 4_000_000  # pixels, and bytes
_MAX_RAW_PROFILE = 1_000_000  # characters of EXIF as text in a PNG
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
_JPEG = re.compile(rb"\xff\xd8\xff")
_AVIF = re.compile(rb".{4}ftyp", re.DOTALL)
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


def _opened(file: IO[bytes]) -> ImageFile.ImageFile:
    head = file.read(1024)
    if not head:
        raise InputError("image_empty", "The file of the image is empty.")
    _require_little_metadata(head, file)
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


def _require_little_metadata(head: bytes, file: IO[bytes]) -> None:
    """Raises InputError for a file that would keep the decoder busy as soon as it is opened."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if _TIFF.match(head):
            metadata.require_few_numbers(content)
        elif _JPEG.match(head):
            metadata.require_few_numbers(jpeg.exif_of(content))
        elif _AVIF.match(head):
            metadata.require_few_numbers_anywhere(content)


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


def _bound(image: ImageFile.ImageFile, file: IO[bytes], max_side: int) -> int:
    """Have a JPEG decoded at a fraction; the pixels that memory will hold of the file.

    Raises InputError if they are too many.
    """
    if image.format not in {"JPEG", "MPO"}:
        _use_quick_decoder(image, file)
        return _require_size(image)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        scans = jpeg.count_scans(content)
    if scans > jpeg.MAX_SCANS:
        raise InputError("image_too_large", f"The JPEG has more than {jpeg.MAX_SCANS} scans.")
    # A progressive one is held whole, whatever it becomes.
    held = _require_size(image) if scans > 1 else 0
    image.draft(image.mode, pixels.fitting(image.size, max_side))
    return max(held, _require_size(image))


def _use_quick_decoder(image: ImageFile.ImageFile, file: IO[bytes]) -> None:
    """Raises InputError for a large file that only Python decodes."""
    if image.format == "PPM":
        netpbm.use_quick_decoder(image)
    if image.tile and image.tile[0][0] == "bmp_rle":
        size = os.fstat(file.fileno()).st_size
        if max(image.width * image.height, size) > _MAX_RLE:
            raise InputError(
                "image_too_large",
                f"The BMP is run-length encoded and has more than {_MAX_RLE / 1e6:.0f} megapixels "
                "or MB. Save it without compression, or as a PNG.",
            )


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
        metadata.require_few_numbers_in_exif(image.info.get("exif", b""))
        if len(image.info.get("Raw profile type exif", "")) > _MAX_RAW_PROFILE:
            return 1
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - with broken or endless EXIF it is shown as it lies
        return 1


def _name_of(head: bytes, kinds: Sequence[tuple[bytes, str]]) -> str:
    """The name of the first kind of file that begins so; "" if none does."""
    matching = (name for pattern, name in kinds if re.match(pattern, head, _ANY))
    return next(matching, "")
