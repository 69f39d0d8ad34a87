"""The least score with which a label is served, as the training images choose it."""

from collections.abc import Sequence

import numpy as np

from mlapi.label_types.geometry import FOUND_FROM, overlaps
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection.engines.candidates import LEAST_SCORE

Values = Sequence[Sequence[LabelledBox]]
_GREATEST = 0.95


def chosen(humans: Values, found: Values, labels: Sequence[str]) -> dict[str, float]:
    """By label the threshold with the best F1 of its boxes; none without a right box."""
    ranked = {label: _ranked(humans, found, label) for label in labels}
    return {label: _best(*some) for label, some in ranked.items() if some[1].any()}


def f1(humans: Values, found: Values, thresholds: dict[str, float]) -> float | None:
    """The mean over labels of the F1 at their thresholds; None where no human drew any."""
    scores = []
    for label, least in thresholds.items():
        ranked, right, n = _ranked(humans, found, label)
        served = ranked >= least
        if n:
            scores.append(2 * right[served].sum() / (n + served.sum()))
    return float(np.mean(scores)) if scores else None


def _ranked(humans: Values, found: Values, label: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The scores of all boxes of the label, best first, which are right, and the humans' number."""
    scores: list[float] = []
    right: list[bool] = []
    n = 0
    for human, boxes in zip(humans, found, strict=True):
        known = [box.place for box in human if box.label == label]
        own = sorted(
            (box for box in boxes if box.label == label), key=lambda box: -(box.score or 0)
        )
        n += len(known)
        scores += [box.score or 0.0 for box in own]
        right += _matched([box.place for box in own], known)
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(scores)[order], np.array(right, dtype=bool)[order], n


def _matched(own: Sequence, known: Sequence) -> list[bool]:
    """Whether each box, best first, has a human one of its own."""
    if not own or not known:
        return [False] * len(own)
    both = overlaps(own, known)
    matched = []
    for row in both:
        best = int(row.argmax())
        matched.append(bool(row[best] >= FOUND_FROM))
        if matched[-1]:
            both[:, best] = 0
    return matched


def _best(scores: np.ndarray, right: np.ndarray, n: int) -> float:
    f1 = 2 * np.cumsum(right) / (n + np.arange(1, len(scores) + 1))
    last = int(np.flatnonzero(f1 >= f1.max() - 1e-9)[-1])
    below = scores[last + 1] if last + 1 < len(scores) else LEAST_SCORE
    # Half way to what is left out.
    return float(np.clip((scores[last] + below) / 2, LEAST_SCORE, _GREATEST))
