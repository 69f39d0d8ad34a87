"""Counts of a run's images in words."""

from typing import Any


def image_counts_text(counts: dict[str, Any]) -> str:
    """`2,000 images: 1,980 cached, 20 downloaded, 20 embedded, 0 unavailable`.

    `counts` are `pictures`, `kept`, `read`, `embedded` and `unavailable` of a run's
    `dataset_counts`; those of a run that ended early may lack some.
    """
    parts = ", ".join(
        f"{counts[name]:,} {words}"
        for name, words in _WORDS.items()
        if counts.get(name) is not None
    )
    total = counts.get("pictures") or 0
    images = f"{total:,} image{'' if total == 1 else 's'}"
    return f"{images}: {parts}" if parts else images


_WORDS = {
    "kept": "cached",
    "read": "downloaded",
    "embedded": "embedded",
    "unavailable": "unavailable",
}
