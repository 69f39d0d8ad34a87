"""Made-up notes of customers on four topics, of which one is labelled badly."""

import random
from collections.abc import Iterator

LABELS = ("Delivery", "Payment", "Returns", "Praise")
_WORDS = {
    "Delivery": "parcel courier late doorstep tracking van arrived week waiting box driver street",
    "Payment": "invoice card charged twice receipt bank euro refund bill amount transfer price",
    "Returns": "sent back label broken size exchange shop desk swap wrong colour zip",
    "Praise": "lovely great thanks friendly happy perfect quick helpful best again recommend kind",
}
_OTHERS = "the my it was and with again today order from they please very just have been this"
_BAD, _TAKEN_FOR = "Returns", "Delivery"  # people mix them up
_BAD_SHARE = 0.4


def notes(n: int, seed: int) -> Iterator[tuple[dict[str, str], str]]:
    """`n` tasks' data and the label that a human gave, the topics in turn."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    for number in range(n):
        topic = LABELS[number % len(LABELS)]
        words = [*rng.sample(_WORDS[topic].split(), 3), *rng.choices(_OTHERS.split(), k=5)]
        rng.shuffle(words)
        text = f"{' '.join(words).capitalize()}. No. {seed}-{number}"
        is_mixed_up = topic == _BAD and rng.random() < _BAD_SHARE
        yield {"text": text}, _TAKEN_FOR if is_mixed_up else topic


CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="topic" toName="text" choice="single">'
    + "".join(f'<Choice value="{label}"/>' for label in LABELS)
    + "</Choices></View>"
)
