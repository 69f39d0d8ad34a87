"""Labelled texts made of random words, the same for the same seed."""

import random
from collections.abc import Iterator

LABELS = ("animals", "machines", "music", "weather")
_WORDS = 4_000
_OWN_WORDS = 500  # of each label; the rest is shared by all
_OWN_SHARE = 0.25  # of a text's words come from its label's own


def pairs(n: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """`n` (text, label) pairs, the labels in turn; 8 to 30 words a text, 2 % labelled wrongly."""
    words = _vocabulary()
    own = {label: words[i * _OWN_WORDS : (i + 1) * _OWN_WORDS] for i, label in enumerate(LABELS)}
    shared = words[len(LABELS) * _OWN_WORDS :]
    rng = random.Random(f"texts {seed}")
    for i in range(n):
        label = LABELS[i % len(LABELS)]
        length = rng.randint(8, 30)
        from_label = max(1, round(length * _OWN_SHARE))
        chosen = rng.choices(own[label], k=from_label) + rng.choices(shared, k=length - from_label)
        rng.shuffle(chosen)
        yield " ".join(chosen), label if rng.random() > 0.02 else rng.choice(LABELS)


def texts(n: int, seed: int = 0) -> list[str]:
    """`n` texts without their labels."""
    return [text for text, _ in pairs(n, seed)]


def _vocabulary() -> list[str]:
    rng = random.Random("vocabulary")
    letters = "abcdefghijklmnoprstuv"
    found: dict[str, None] = {}
    while len(found) < _WORDS:
        found["".join(rng.choices(letters, k=rng.randint(3, 9)))] = None
    return list(found)
