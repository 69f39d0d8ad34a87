"""Labelled texts of random English words, the same for the same seed and Python."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from pydoc_data.topics import topics

LABELS = ("animals", "machines", "music", "weather")
_WORDS = 2_800
_OWN_WORDS = 350  # of each label; the rest is shared by all
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
    """The words of Python's own documentation, which a tokenizer cuts as it cuts people's texts."""
    words = Counter(re.findall(r"\b[a-z]{3,12}\b", " ".join(topics.values()).lower()))
    found = sorted(word for word, _ in words.most_common(_WORDS))
    random.Random("vocabulary").shuffle(found)
    return found
