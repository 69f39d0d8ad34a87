"""Numbers and counts as people read them."""

import pytest

from registry.formatting import image_counts_text


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            {"pictures": 2000, "kept": 1980, "read": 20, "embedded": 19, "unavailable": 1},
            "2,000 images: 1,980 cached, 20 downloaded, 19 embedded, 1 unavailable",
        ),
        ({"pictures": 1, "kept": 0}, "1 image: 0 cached"),
        ({"pictures": 3}, "3 images"),
        ({"pictures": 0, "embedded": None}, "0 images"),
    ],
)
def test_what_is_known_is_said(counts, words):
    assert image_counts_text(counts) == words
