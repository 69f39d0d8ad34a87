"""Decoding of images of any kind: upright RGB of the requested size, or a reason."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from mlapi.domain import InputError
from mlapi.images.decoding import read_image
from tests.evals_backend.running import ROOT
from tests.mlapi.images.drawn import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    every_kind,
    exif,
    file_of,
    quarters,
)

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # of what is damaged


@pytest.fixture
def read(tmp_path):
    """`read(bytes)`: the image in a file with these bytes."""

    def read_bytes(content: bytes, max_side: int = 1000) -> np.ndarray:
        path = tmp_path / "image of a task.bin"
        path.write_bytes(content)
        array = read_image(path, max_side)
        assert array.dtype == np.uint8
        assert array.ndim == 3 and array.shape[2] == 3
        assert array.flags.c_contiguous and array.flags.writeable
        return array

    return read_bytes


def corners(array: np.ndarray) -> list[tuple[int, ...]]:
    """The colours a little inside of the four corners: above left, right, below left, right."""
    height, width = array.shape[:2]
    rows, columns = (height // 5, height - 1 - height // 5), (width // 5, width - 1 - width // 5)
    return [tuple(int(v) for v in array[y, x]) for y in rows for x in columns]


def assert_looks_like(array: np.ndarray, colours: list[tuple[int, ...]], within: int = 12) -> None:
    assert np.abs(np.array(corners(array)) - np.array(colours)).max() <= within


@pytest.mark.parametrize(
    ("mode", "kind", "options", "within"),
    [
        ("RGB", "JPEG", {"quality": 95}, 12),
        ("RGB", "JPEG", {"quality": 95, "progressive": True}, 12),
        ("CMYK", "JPEG", {"quality": 95}, 12),
        ("RGB", "PNG", {}, 0),
        ("RGBA", "PNG", {}, 0),
        ("P", "PNG", {}, 40),  # the web's palette has no nearer colours
        ("P", "GIF", {}, 40),
        ("RGB", "WEBP", {"lossless": True}, 0),
        ("RGB", "AVIF", {"quality": 95}, 12),
        ("RGB", "BMP", {}, 0),
        ("P", "BMP", {}, 40),
        ("RGB", "PPM", {}, 0),
        ("RGB", "TIFF", {}, 0),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}, 0),
        ("CMYK", "TIFF", {}, 3),
        ("YCbCr", "TIFF", {}, 12),
        ("LAB", "TIFF", {}, 30),
        ("RGB", "MPO", {"quality": 95}, 12),
    ],
)
def test_every_format_and_mode_shows_its_colours(read, mode, kind, options, within):
    image = quarters()
    if mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        image = image.convert(mode)
    array = read(file_of(image, kind, **options))
    assert array.shape == (60, 80, 3)
    assert_looks_like(array, [RED, GREEN, BLUE, YELLOW], within)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "BMP", "PPM"])
@pytest.mark.parametrize("mode", ["1", "L"])
def test_black_and_white_and_grey(read, mode, kind):
    grey = np.zeros((60, 80), np.uint8)
    grey[:, 40:] = 255
    array = read(file_of(Image.fromarray(grey).convert(mode), kind))
    black, white = (0, 0, 0), (255, 255, 255)
    assert corners(array) == [black, white, black, white]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.array([[0, 65535], [32768, 257]], np.uint16), [0, 255, 128, 1]),
        (np.array([[0, 65535], [32768, 257]], ">u2"), [0, 255, 128, 1]),
        (np.array([[0, 255], [128, 7]], np.int32), [0, 255, 128, 7]),
        (np.array([[0, 65535], [256, 257]], np.int32), [0, 255, 1, 1]),
        (np.array([[-100, 100], [-50, 50]], np.int32), [0, 255, 64, 191]),
        (np.array([[0.0, 1.0], [0.5, 0.25]], np.float32), [0, 255, 128, 64]),
        (np.array([[0.0, 200.0], [100.0, 50.0]], np.float32), [0, 200, 100, 50]),
        (np.array([[-1e9, 1e9], [0.0, np.nan]], np.float32), [0, 255, 128, 0]),
        (np.array([[np.inf, -np.inf], [0.5, np.nan]], np.float32), [255, 0, 128, 0]),
        (np.full((2, 2), np.nan, np.float32), [0, 0, 0, 0]),
        (np.full((2, 2), 7e9, np.float32), [0, 0, 0, 0]),
    ],
)
def test_16_and_32_bits_and_floating_point_become_8(read, values, shown):
    array = read(file_of(Image.fromarray(values), "TIFF"))
    assert array[..., 0].ravel().tolist() == shown
    assert (array == array[..., :1]).all()


def test_16_bits_of_png_and_pgm(read):
    values = np.array([[0, 65535], [32768, 257]], np.uint16)
    for kind in ("PNG", "PPM"):
        array = read(file_of(Image.fromarray(values), kind))
        assert array[..., 0].ravel().tolist() == [0, 255, 128, 1]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF"])
def test_transparent_pixels_are_white(read, kind):
    image = quarters().convert("RGBA")
    alpha = np.full((60, 80), 255, np.uint8)
    alpha[:, 40:] = 0
    image.putalpha(Image.fromarray(alpha))
    array = read(file_of(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
    white = (255, 255, 255)
    assert_looks_like(array, [RED, white, BLUE, white], 12)


def test_half_transparent_and_a_transparent_colour(read):
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 128))
    assert read(file_of(image, "PNG"))[0, 0].tolist() == [227, 127, 127]
    grey = Image.new("LA", (4, 4), (0, 128))
    assert read(file_of(grey, "PNG"))[0, 0].tolist() == [127, 127, 127]
    keyed = Image.new("RGB", (4, 4), (1, 2, 3))
    assert (read(file_of(keyed, "PNG", transparency=(1, 2, 3))) == 255).all()
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([9, 9, 9, 8, 8, 8])
    assert (read(file_of(palette, "PNG", transparency=bytes([255, 0]))) == 255).all()
    assert (read(file_of(palette, "PNG", transparency=0)) == 8).all()


def test_transparent_pixels_do_not_tint_their_neighbours_when_reduced(read):
    array = np.zeros((400, 400, 4), np.uint8)
    array[:, ::2] = (200, 30, 30, 255)  # every other column; the rest is transparent black
    shown = read(file_of(Image.fromarray(array), "PNG"), 50)
    assert np.abs(shown[25, 25].astype(int) - [227, 142, 142]).max() <= 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright_as_a_viewer_shows_it(read, kind, orientation, tmp_path):
    lossless = {"WEBP": {"lossless": True}, "AVIF": {"quality": 95}, "JPEG": {"quality": 95}}
    content = file_of(quarters(), kind, exif=exif(orientation), **lossless.get(kind, {}))
    for max_side in (1000, 40):
        array = read(content, max_side)
        shown = (tmp_path / "again").write_bytes(content) and Image.open(tmp_path / "again")
        expected = np.asarray(ImageOps.exif_transpose(shown).convert("RGB"))
        assert_looks_like(array, corners(expected))
        assert (array.shape[0] > array.shape[1]) == (orientation >= 5)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(read, orientation):
    array = read(file_of(quarters(), "JPEG", exif=exif(orientation), quality=95))
    assert_looks_like(array, [RED, GREEN, BLUE, YELLOW])


def test_broken_exif_turns_nothing(read):
    content = file_of(quarters(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff garbage", quality=95)
    assert_looks_like(read(content), [RED, GREEN, BLUE, YELLOW])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF"])
def test_the_first_frame_is_shown(read, kind):
    first, second = quarters(), Image.new("RGB", (80, 60), "black")
    content = file_of(first, kind, save_all=True, append_images=[second, second])
    assert_looks_like(read(content), [RED, GREEN, BLUE, YELLOW], 40)


# Sizes


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (37, 1001), (1000, 999), (256, 256)])
@pytest.mark.parametrize("max_side", [1, 7, 256, 5000])
def test_the_longer_side_is_at_most_the_limit_and_the_shape_stays(read, kind, size, max_side):
    width, height = size
    array = read(file_of(quarters(width, height), kind), max_side)
    assert max(array.shape[:2]) == min(max_side, max(size))
    scale = min(1, max_side / max(size))
    assert array.shape[:2] == (max(1, round(height * scale)), max(1, round(width * scale)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF"])
def test_a_smaller_image_is_the_mean_of_what_it_covers(read, kind):
    """Stripes of one pixel become grey, and nothing is moved."""
    array = np.zeros((512, 2000), np.uint8)
    array[:, ::2] = 255
    array[:, 1000:] = 0
    shown = read(file_of(Image.fromarray(array).convert("RGB"), kind), 100)
    assert np.abs(shown[:, :49].astype(int) - 127).max() <= 6
    assert shown[:, 52:].max() <= 6


def test_it_is_the_same_whatever_bands_it_is_read_in(read, monkeypatch):
    content = file_of(quarters(301, 203).rotate(30), "PNG")
    whole = [read(content, max_side) for max_side in (1000, 100, 30, 9)]
    monkeypatch.setattr("mlapi.images.pixels._BAND", 1000)
    for max_side, expected in zip((1000, 100, 30, 9), whole, strict=True):
        assert np.array_equal(read(content, max_side), expected)


def test_a_side_below_one_is_a_defect_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="max_side"):
        read_image(tmp_path / "none", 0)


# Reasons


def reason(read, content: bytes) -> InputError:
    with pytest.raises(InputError) as raised:
        read(content)
    message = raised.value.message
    assert message.isascii() and "\n" not in message and "/" not in message
    return raised.value


@pytest.mark.parametrize(
    ("content", "code", "in_message"),
    [
        (b"", "image_empty", "empty"),
        (b"\0" * 100, "not_an_image", "no image"),
        (b"hello", "not_an_image", "no image"),
        (b"\x89PNG and so on", "not_an_image", "no image"),
        (b"%PDF-1.7 ...", "not_an_image", "a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not_an_image", "no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", "SVG"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg/>", "not_an_image", "SVG"),
        (b"\xef\xbb\xbf<svg/>", "not_an_image", "SVG"),
        (b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY n 'x'>]><svg/>", "not_an_image", "SVG"),
        (b"\n<!DOCTYPE html><html>", "not_an_image", "web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image_format", "HEIC"),
        (b"\0\0\0\x18ftyphevx\0\0\0\0", "image_format", "HEIC"),
        (b"\0\0\0\x24ftypmif1\0\0\0\0mif1heic", "image_format", "HEIC"),
        (b"\xff\x0a\xfa\x7f", "image_format", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image_format", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "image_format", "JPEG 2000"),
        (b"\0" * 128 + b"DICM\2\0", "image_format", "DICOM"),
        (b"8BPS\0\1", "image_format", "Photoshop"),
        (b"\0\0\1\0\1\0\x10\x10", "image_format", "icon"),
        (b'{"detail": "Authentication credentials were not provided."}', "not_an_image", "no "),
        (b"\x89PNG\r\n\x1a\n", "image_broken", "cut short"),
        (b"\xff\xd8\xff", "image_broken", "cut short"),
        (b"GIF89a", "image_broken", "cut short"),
        (b"II*\0", "image_broken", "cut short"),
    ],
)
def test_the_reason_names_the_kind_of_a_file_that_is_no_image(read, content, code, in_message):
    problem = reason(read, content)
    assert problem.code == code
    assert in_message in problem.message


def tiff_with(tag: int, value: int) -> bytes:
    """A small grey TIFF of which one tag has another value."""
    packed = io.BytesIO()
    Image.new("L", (8, 8)).save(packed, "TIFF", tiffinfo={258: 8})
    content = bytearray(packed.getvalue())
    at = int.from_bytes(content[4:8], "little")
    for entry in range(at + 2, at + 2 + 12 * int.from_bytes(content[at : at + 2], "little"), 12):
        if int.from_bytes(content[entry : entry + 2], "little") == tag:
            content[entry + 8 : entry + 10] = value.to_bytes(2, "little")
            return bytes(content)
    raise AssertionError(f"The TIFF has no tag {tag}.")


@pytest.mark.parametrize(
    ("tag", "value"),
    [(258, 5), (258, 3), (259, 34712), (259, 52546), (262, 9999)],
    ids=["five bits", "three bits", "JPEG 2000", "JPEG XL", "colours of no kind"],
)
def test_a_tiff_of_a_kind_that_is_not_read_is_not_called_damaged(read, tag, value):
    content = tiff_with(tag, value)
    assert reason(read, content).code == "image_format"
    assert read(tiff_with(258, 8)).size


@pytest.mark.parametrize("name", sorted(every_kind()))
def test_an_image_that_is_cut_short_is_broken(read, name):
    content = every_kind()[name]
    assert read(content).size
    for share in (0.2, 0.4):  # within the first of two frames
        assert reason(read, content[: int(len(content) * share)]).code == "image_broken"


def test_a_file_that_is_gone_and_one_that_is_a_folder(tmp_path):
    with pytest.raises(InputError) as raised:
        read_image(tmp_path / "none.png", 100)
    assert raised.value.code == "image_missing"
    with pytest.raises(InputError) as raised:
        read_image(tmp_path, 100)
    assert raised.value.code == "image_broken"


def test_it_needs_neither_django_nor_a_database():
    code = """
import sys
from pathlib import Path
from mlapi.images.decoding import read_image
print(read_image(Path(sys.argv[1]), 10).shape)
assert not {"django", "registry.models", "psycopg2", "httpx", "evadb"} & set(sys.modules)
"""
    path = ROOT / "docs" / "screenshots" / "home.png"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
