"""Images of 50 megapixels within a bound of memory, beside decoding them as they are."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlapi.images.decoding import read_image
from tests.mlapi.images.memory import peak_mb

WIDTH, HEIGHT = 8660, 5774  # 50 megapixels

REDUCED = "assert read_image(Path(sys.argv[1]), 1024).shape == (683, 1024, 3)"
FULL = "np.asarray(Image.open(sys.argv[1]).convert('RGB').resize((1024, 683)))"


KINDS = {
    "jpeg": ("JPEG", "RGB", {}),
    "progressive jpeg": ("JPEG", "RGB", {"progressive": True}),
    "png": ("PNG", "RGBA", {"compress_level": 1}),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Callable[[str], Path]:
    """`large(name)`: the same image of 50 megapixels in a kind of file, made once for each."""
    folder = tmp_path_factory.mktemp("large")

    @cache
    def make(name: str) -> Path:
        across, down = np.arange(WIDTH, dtype=np.uint16), np.arange(HEIGHT, dtype=np.uint16)
        grey = Image.fromarray(((across[None] + down[:, None]) // 57).astype(np.uint8))
        kind, mode, options = KINDS[name]
        Image.merge("RGBA", [grey] * 4).convert(mode).save(folder / name, kind, **options)
        return folder / name

    return make


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("jpeg", 0.15),
        pytest.param("progressive jpeg", 0.55, marks=pytest.mark.nightly),
        pytest.param("png", 0.8, marks=pytest.mark.nightly),
    ],
)
def test_it_takes_a_share_of_what_decoding_the_whole_takes(large, name, share):
    """Measured: 20 MB for the JPEG, 147 if it is progressive, 221 for the PNG; of 382 each."""
    reduced, full = peak_mb(REDUCED, large(name)), peak_mb(FULL, large(name))
    print(f"{name}: {reduced:.0f} MB of {full:.0f}")
    assert 0 < reduced < share * full


@pytest.mark.nightly
def test_threads_take_turns_with_large_ones(large):
    """Four at once take less than twice as much (measured: 1.4 times)."""
    four = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    assert len(list(pool.map(lambda _: read_image(Path(sys.argv[1]), 1024), range(4)))) == 4
"""
    assert peak_mb(four, large("png")) < 2 * peak_mb(REDUCED, large("png"))


def test_it_shows_the_same_as_decoding_the_whole(large):
    reduced = read_image(large("jpeg"), 1024).astype(int)
    full = np.asarray(Image.open(large("jpeg")).resize((1024, 683), Image.Resampling.BOX))
    assert np.abs(reduced - full).mean() < 1
