"""Files made to break a decoder end in a reason, in bounded time and memory."""

import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mlapi.domain import InputError
from mlapi.images.decoding import read_image
from tests.mlapi.images.drawn import every_kind, file_of, noise
from tests.mlapi.images.memory import peak_mb

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # of what is damaged or large
SEED_FILES = every_kind()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(width: int, height: int, *extra: bytes, data: bytes | None = None) -> bytes:
    """A grey PNG that says it is so large, with further chunks before its (black) pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    if data is None:
        data = zlib.compress(bytes((width + 1) * height), 9)
    chunks = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def zeros(megabytes: int) -> bytes:
    """Compressed zeros, a thousandth of their size."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


ZEROS = zeros(1)[:1200]


def webp_that_says(width: int, height: int) -> bytes:
    content = bytearray(SEED_FILES["webp animated"])
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def jpeg_with_scans(count: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    content = file_of(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * count + content[-2:]


def jpeg_that_says(width: int, height: int, **options) -> bytes:
    content = bytearray(file_of(noise(64, 48, 3), "JPEG", **options))
    frame = content.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_with_frames(count: int) -> bytes:
    content = file_of(Image.new("P", (32, 32), 1), "GIF")
    at = content.index(b"," + struct.pack("<HHHH", 0, 0, 32, 32))
    return content[:at] + content[at:-1] * count + b";"


def tiff(*tags: tuple[int, int, int, int]) -> bytes:
    """A TIFF of nothing but these (tag, type, count, value)."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(64)


HOSTILE = {
    "png of 2 gigapixels": (lambda: png(46341, 46341, data=zeros(1)), "image_too_large"),
    "png wider than any": (lambda: png(2**31 - 1, 1, data=zeros(1)), "image_too_large"),
    "png of 101 megapixels": (lambda: png(101_000_000, 1, data=zeros(1)), "image_too_large"),
    "png without a side": (lambda: png(0, 7, data=zeros(1)), "image_broken"),
    "png with a bomb for a text": (
        lambda: png(9, 9, chunk(b"zTXt", b"a\0\0" + zeros(100))),
        "image_broken",
    ),
    "png with a bomb for a profile": (
        lambda: png(9, 9, chunk(b"iCCP", b"a\0\0" + zeros(100))),
        "image_broken",
    ),
    "png with hundreds of texts": (
        lambda: png(9, 9, *[chunk(b"zTXt", b"a%d\0\0" % i + ZEROS) for i in range(500)]),
        "image_broken",
    ),
    "png that says it has a chunk of 2 GB": (
        lambda: png(9, 9)[:33] + struct.pack(">I", 2**31 - 1) + b"IDAT" + bytes(100),
        "image_broken",
    ),
    "jpeg of 4 gigapixels": (lambda: jpeg_that_says(65500, 65500), "image_too_large"),
    "progressive jpeg of 169 megapixels": (
        lambda: jpeg_that_says(13000, 13000, progressive=True),
        "image_too_large",
    ),
    "jpeg with 10,000 scans": (lambda: jpeg_with_scans(10_000), "image_too_large"),
    "webp of 268 megapixels": (lambda: webp_that_says(16383, 16383), "image_too_large"),
    "webp of 64 megapixels": (lambda: webp_that_says(8000, 8000), "image_too_large"),
    "tiff of 10 gigapixels": (
        lambda: tiff((256, 4, 1, 100_000), (257, 4, 1, 100_000), (262, 3, 1, 1), (273, 4, 1, 8)),
        "image_too_large",
    ),
    "tiff with tags of every type": (
        lambda: tiff(*[(254 + i, i % 14, 2**31 if i % 3 else 1, 2**32 - 9) for i in range(60)]),
        "image_broken",
    ),
    "tiff whose directory is itself": (
        lambda: b"II*\0" + struct.pack("<IHI", 8, 0, 8) + bytes(16),
        "image_broken",
    ),
    "bmp of 4 gigapixels": (
        lambda: (
            b"BM" + struct.pack("<IIIIiiHHIIIIII", 99, 0, 54, 40, 65535, 65535, 1, 24, *[0] * 6)
        ),
        "image_too_large",
    ),
    "ppm of 100 gigapixels": (lambda: b"P6 999999 99999 255\n" + bytes(99), "image_too_large"),
    "ppm with a number without end": (lambda: b"P6 " + b"9" * 9999, "image_broken"),
    "eps": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_an_image"),
    "svg with an entity bomb": (
        lambda: b'<!DOCTYPE svg [<!ENTITY a "&b;&b;">]><svg>&a;</svg>',
        "not_an_image",
    ),
    "zip": (lambda: b"PK\x03\x04" + bytes(99), "not_an_image"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_would_break_a_decoder_has_a_reason(tmp_path, name):
    make, code = HOSTILE[name]
    path = tmp_path / "image.png"
    path.write_bytes(make())
    with pytest.raises(InputError) as raised:
        read_image(path, 256)
    assert raised.value.code == code
    assert raised.value.message.isascii() and "/" not in raised.value.message


def test_none_of_them_takes_much_memory(tmp_path):
    """All of them one after the other, in one process."""
    for i, (make, _) in enumerate(HOSTILE.values()):
        (tmp_path / f"{i}.png").write_bytes(make())
    code = """
from mlapi.domain import InputError
for path in Path(sys.argv[1]).iterdir():
    try:
        read_image(path, 256)
    except InputError:
        pass
"""
    assert peak_mb(code, tmp_path) < 200


def test_a_gif_of_100_000_frames_is_its_first(tmp_path):
    path = tmp_path / "image.gif"
    path.write_bytes(gif_with_frames(100_000))
    assert read_image(path, 256).shape == (32, 32, 3)


def test_as_many_scans_as_encoders_write_are_read(tmp_path):
    path = tmp_path / "image.jpg"
    path.write_bytes(jpeg_with_scans(30))
    assert read_image(path, 256).shape == (64, 64, 3)


def test_bytes_after_the_end_of_a_jpeg_are_no_scans(tmp_path):
    """Telephones write a film there."""
    path = tmp_path / "image.jpg"
    content = file_of(noise(64, 48, 3), "JPEG", progressive=True)
    path.write_bytes(content + b"\xff\xda" * 1000)
    assert read_image(path, 256).shape == (48, 64, 3)


def test_a_thumbnail_of_many_scans_counts_for_nothing(tmp_path):
    path = tmp_path / "image.jpg"
    segment = b"\xff\xe1" + struct.pack(">H", 2002) + b"\xff\xda" * 1000
    content = file_of(noise(64, 48, 3), "JPEG")
    path.write_bytes(content[:2] + segment + content[2:])
    assert read_image(path, 256).shape == (48, 64, 3)


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Cut short, with bits turned over, or with bytes put in or taken out."""
    data = bytearray(content)
    at = dice.randrange(min(len(data), dice.choice([64, 300, 10**9])))
    match dice.randrange(4):
        case 0:
            del data[at:]
        case 1:
            for _ in range(dice.choice([1, 2, 4, 16])):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        case 2:
            data[at : at + dice.choice([1, 2, 4])] = dice.choice([b"\xff", b"\0\0", b"\x7f\xff"])
        case _:
            del data[at : at + dice.randrange(40)]
    return bytes(data)


@pytest.mark.parametrize("name", sorted(SEED_FILES))
def test_a_damaged_file_is_read_or_has_a_reason(tmp_path, name):
    """150 damages to each kind; 20,000 to all of them were tried when this was written."""
    dice = random.Random(name)
    path = tmp_path / "image"
    for _ in range(150):
        path.write_bytes(damaged(SEED_FILES[name], dice))
        try:
            array = read_image(path, 32)
        except InputError as problem:
            assert problem.code.startswith(("image_", "not_an_image"))
            assert problem.message.isascii() and "\n" not in problem.message
            assert str(tmp_path) not in problem.message
        else:
            assert array.dtype == np.uint8 and max(array.shape[:2]) <= 32


@pytest.mark.parametrize("seed", range(3))
def test_a_file_that_only_begins_like_an_image_has_a_reason(tmp_path, seed):
    dice = random.Random(seed)
    path = tmp_path / "image"
    for content in SEED_FILES.values():
        for keep in (4, 8, 12, 16, 32):
            path.write_bytes(content[:keep] + dice.randbytes(2000))
            with pytest.raises(InputError):
                read_image(path, 32)
