"""Small files that would keep a decoder busy for minutes are read at once, or have a reason."""

import io
import struct
from time import process_time

import numpy as np
import pytest
from PIL import Image

from mlapi.domain import InputError
from mlapi.images.decoding import read_image
from tests.mlapi.images.drawn import file_of, noise
from tests.mlapi.images.memory import peak_mb
from tests.mlapi.images.test_hostile_images import chunk, png

FRACTIONS = 200_000  # of one tag: 4 s of the decoder
WITHIN_S = 3.0  # of this process's time


def directory(*tags: tuple[int, int, int, int | None], content: bytes, at: int = 8) -> bytes:
    """A TIFF's tags, of which those without a value have the content, which follows."""
    end = at + 2 + 12 * len(tags) + 4
    entries = [
        struct.pack("<HHII", tag, kind, count, end if value is None else value)
        for tag, kind, count, value in sorted(tags)
    ]
    return struct.pack("<H", len(tags)) + b"".join(entries) + bytes(4) + content


GREY = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
GREY += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 8), (279, 4, 1, 64)]
HEAD = b"II*\0" + struct.pack("<I", 8)


def exif_of_fractions(tag: int = 0x0112) -> bytes:
    content = struct.pack("<II", 1, 3) * FRACTIONS
    return HEAD + directory((tag, 5, FRACTIONS, None), content=content)


def tiff_of_strips(count: int) -> bytes:
    tags = [t for t in GREY if t[0] not in (256, 257, 273, 278, 279)]
    tags += [(256, 4, 1, 1), (257, 4, 1, count), (278, 4, 1, 1)]
    tags += [(273, 4, count, None), (279, 4, count, None)]
    return HEAD + directory(*tags, content=struct.pack("<I", 1) * count)


def tiff_of_fractions() -> bytes:
    """A TIFF with fractions in an EXIF directory that its own directory refers to."""
    begin = 8 + 2 + 12 * 10 + 4
    content = struct.pack("<II", 1, 3) * FRACTIONS
    nested = directory((37000, 5, FRACTIONS, None), content=content, at=begin)
    return HEAD + directory(*GREY, (34665, 4, 1, None), content=nested)


def jpeg_with_exif(exif: bytes, each: int = 65_000) -> bytes:
    content = file_of(noise(16, 16, 3), "JPEG")
    content = content[:2] + content[4 + int.from_bytes(content[4:6], "big") :]  # without JFIF
    parts = [b"Exif\0\0" + exif[at : at + each] for at in range(0, len(exif), each)]
    segments = [b"\xff\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts]
    return content[:2] + b"".join(segments) + content[2:]


def run_length_encoded(width: int, height: int) -> bytes:
    """A BMP of nothing but line ends."""
    content, palette = b"\1\5\0\0" * height + b"\0\1", bytes(1024)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(content), 1, 1, 256, 0)
    begin = 14 + len(head) + len(palette)
    whole = b"BM" + struct.pack("<IHHI", begin + len(content), 0, 0, begin)
    return whole + head + palette + content


REFUSED = {
    "tiff of 1,000,000 strips": lambda: tiff_of_strips(1_000_000),
    "tiff with fractions in its exif": tiff_of_fractions,
    "tiff with a number of bits for each of 5,000,000 samples": lambda: (
        HEAD + directory(*[t for t in GREY if t[0] != 258], (258, 3, 5_000_000, None),
                         content=bytes(10_000_000))
    ),
    "jpeg with fractions for its orientation": lambda: jpeg_with_exif(exif_of_fractions()),
    "jpeg with fractions for its resolution": lambda: jpeg_with_exif(exif_of_fractions(0x011A)),
    "jpeg with its exif in 20,000 segments": lambda: jpeg_with_exif(bytes(100_000), 5),
    "avif with fractions for its orientation": lambda: file_of(
        noise(16, 16, 3), "AVIF", exif=exif_of_fractions(0x0113)
    ).replace(struct.pack("<HH", 0x0113, 5), struct.pack("<HH", 0x0112, 5)),
    "bmp of 60 million pixels in 24 kB": lambda: run_length_encoded(10_000, 6_000),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_take_minutes_is_refused_at_once(tmp_path, name):
    path = tmp_path / "image"
    path.write_bytes(REFUSED[name]())
    before = process_time()
    with pytest.raises(InputError) as raised:
        read_image(path, 64)
    assert process_time() - before < WITHIN_S
    assert raised.value.code == "image_too_large"


def test_a_png_or_webp_with_endless_exif_is_shown_without_its_orientation(tmp_path):
    exif = exif_of_fractions()
    profile = b"Raw profile type exif\0\nexif\n 9\n" + exif.hex().encode()
    webp = io.BytesIO()
    Image.new("RGB", (9, 9)).save(webp, "WEBP", exif=exif)
    after_the_pixels = png(9, 9)[:-12] + chunk(b"eXIf", exif) + png(9, 9)[-12:]
    before = process_time()
    for content in (
        png(9, 9, chunk(b"eXIf", exif)), after_the_pixels, png(9, 9, chunk(b"tEXt", profile)),
        webp.getvalue(),
    ):  # fmt: skip
        (tmp_path / "image").write_bytes(content)
        assert read_image(tmp_path / "image", 64).shape == (9, 9, 3)
    assert process_time() - before < WITHIN_S


def test_a_tiff_of_thousands_of_strips_is_read(tmp_path):
    path = tmp_path / "image.tiff"
    path.write_bytes(tiff_of_strips(8_000))
    assert read_image(path, 64).shape == (64, 1, 3)


def test_a_run_length_encoded_bmp_is_read(tmp_path):
    path = tmp_path / "image.bmp"
    path.write_bytes(run_length_encoded(40, 30))
    assert read_image(path, 64).shape == (30, 40, 3)


def as_text(kind: bytes, values: np.ndarray, most: int | None) -> bytes:
    height, width = values.shape[:2]
    head = b"%b %d %d # a comment\r%b\n" % (kind, width, height, b"%d" % most if most else b"")
    return head + b" ".join(b"%d#7 8\n" % value for value in values.ravel())


def as_samples(kind: bytes, values: np.ndarray, most: int) -> bytes:
    height, width = values.shape[:2]
    size = "u1" if most < 256 else ">u2"
    return b"%b %d %d %d\n" % (kind, width, height, most) + values.astype(size).tobytes()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("most", [1, 7, 100, 255, 256, 1023, 65_534, 65_535])
@pytest.mark.parametrize("write", [as_text, as_samples])
def test_pnm_of_any_depth_has_the_values_of_the_decoder_that_it_is_quicker_than(
    tmp_path, write, most, channels
):
    values = np.random.default_rng(most).integers(0, most + 1, (30, 40, channels))
    kind = {(as_text, 1): b"P2", (as_text, 3): b"P3", (as_samples, 1): b"P5"}
    path = tmp_path / "image.pnm"
    path.write_bytes(write(kind.get((write, channels), b"P6"), values, most))
    expected = np.asarray(Image.open(path))
    if expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3, axis=2)
    shown = read_image(path, 64)
    if most > 255 and channels == 1:  # Pillow's has 16 bits
        assert np.abs(shown - expected / 257.0).max() <= 1
    else:
        assert (shown == expected).all()


def test_bits_as_text_need_no_blanks(tmp_path):
    path = tmp_path / "image.pbm"
    path.write_bytes(b"P1 3 2\n01 #1\n0\n1 01")
    assert (read_image(path, 64)[..., 0] == [[255, 0, 255], [0, 255, 0]]).all()


@pytest.mark.parametrize(
    "content",
    [
        b"P3 9 9 255\n" + b"9 " * 242,
        b"P3 9 9 255\n" + b"256 " * 243,
        b"P3 9 9 255\n" + b"-1 " * 243,
        b"P1 3 1\n012",
        b"P2 2 1 9\n1 x",
        b"P5 2 2 9\nabc",
        b"P6 2 1 999\n" + b"a" * 11,
    ],
)
def test_pnm_that_is_cut_short_or_has_other_values_is_broken(tmp_path, content):
    path = tmp_path / "image.pnm"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_image(path, 64)
    assert raised.value.code == "image_broken"


def test_pnm_of_megabytes_is_read_at_once(tmp_path):
    n = 100_000
    for content in (
        b"P3 1000 100 255\n" + b"#a\n9 " * (3 * n),
        b"P3 1000 100 255\n" + b"9 " * (3 * n),
        b"P6 1000 100 65535\n" + bytes(6 * n),
        b"P5 1000 100 254\n" + bytes(n),
    ):
        (tmp_path / "image.pnm").write_bytes(content)
        before = process_time()
        assert read_image(tmp_path / "image.pnm", 64).shape == (6, 64, 3)
        assert process_time() - before < WITHIN_S


def test_comments_without_end_take_little_memory(tmp_path):
    path = tmp_path / "image.pnm"
    path.write_bytes(b"P3 100 100 255\n" + b"#\n" * 1_000_000 + b"9 " * 30_000)
    assert peak_mb("read_image(Path(sys.argv[1]), 64)", path) < 60
