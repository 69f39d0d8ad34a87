"""Labelled texts that a model can learn, made up from a few words for each label."""

import random
from collections.abc import Iterator

WORDS = {
    "A": "apple orchard cider pear harvest fruit blossom cherry plum juice",
    "B": "engine piston gearbox diesel brake clutch axle torque wheel motor",
    "C": "violin sonata cello tempo chord melody orchestra flute rhythm opera",
    "D": "glacier ridge summit avalanche rope crampon slope cliff valley snow",
}
FILLER = "the a of and with very new old this that some other good small large"


def texts(label: str, n: int, seed: int = 0) -> list[str]:
    """`n` different texts about what stands for `label` (A to D)."""
    rng = random.Random(f"{label}{seed}")
    words, filler = WORDS[label].split(), FILLER.split()
    return [
        " ".join(rng.choices(words, k=3) + rng.choices(filler, k=4) + [f"n{seed}x{i}"])
        for i in range(n)
    ]


def pairs(n: int, labels: str = "AB", seed: int = 0) -> list[tuple[str, str]]:
    """`n` (text, label) pairs, the labels in turn."""
    made: dict[str, Iterator[str]] = {label: iter(texts(label, n, seed)) for label in labels}
    return [(next(made[label]), label) for i in range(n) for label in [labels[i % len(labels)]]]
