"""Numbers and counts as people read them."""

import pytest

from registry.formatting import image_counts_text, interval_and_n


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


@pytest.mark.parametrize(
    ("ends", "n", "text"),
    [
        ((0.745, 0.832), 316, "0.745 to 0.832, n = 316"),
        ((0.772, 1.0), 13, "0.772 to 1.000, n = 13, few tasks"),
        (None, 30, "n = 30"),
        (None, 29, "n = 29, few tasks"),
    ],
)
def test_a_metric_has_its_interval_and_n_and_a_mark_of_few_tasks(ends, n, text):
    assert interval_and_n(ends, n) == text
