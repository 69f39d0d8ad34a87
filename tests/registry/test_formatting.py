"""Numbers and counts as people read them."""

import pytest

from registry.formatting import image_counts_text


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            {"images": 2000, "cached": 1980, "downloaded": 20, "embedded": 19, "unavailable": 1},
            "2,000 images: 1,980 cached, 20 downloaded, 19 embedded, 1 unavailable",
        ),
        ({"images": 1, "cached": 0}, "1 image: 0 cached"),
        ({"images": 3}, "3 images"),
        ({"images": 0, "embedded": None}, "0 images"),
    ],
)
def test_the_known_counts_are_formatted(counts, words):
    assert image_counts_text(counts) == words
