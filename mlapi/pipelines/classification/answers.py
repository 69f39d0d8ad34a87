"""What probabilities say: the one label, or the set of them."""

import numpy as np

from mlapi.domain import Answer, TargetSpec

THRESHOLD = 0.5  # of the calibrated probability of each label of a `multiple` target


def answers(spec: TargetSpec, probabilities: np.ndarray) -> list[Answer | None]:
    """One answer for each row of (n, labels); None for a row of NaN, which had no text.

    The score of one label is its probability; that of a set is the probability of its least
    sure decision, to take a label or to leave it.
    """
    if spec.kind == "single":
        return _single(spec, probabilities)
    return _multiple(spec, probabilities)


def _single(spec: TargetSpec, probabilities: np.ndarray) -> list[Answer | None]:
    missing = np.isnan(probabilities).any(axis=1)
    best = np.where(missing[:, None], 0.0, probabilities).argmax(axis=1)
    scores = probabilities[np.arange(len(best)), best]
    return [
        None if absent else Answer(spec.name, spec.labels[i], float(score), "single")
        for i, score, absent in zip(best.tolist(), scores.tolist(), missing.tolist(), strict=True)
    ]


def _multiple(spec: TargetSpec, probabilities: np.ndarray) -> list[Answer | None]:
    missing = np.isnan(probabilities).any(axis=1)
    taken = probabilities >= THRESHOLD
    sure = np.where(taken, probabilities, 1 - probabilities).min(axis=1)
    return [
        None
        if missing[row]
        else Answer(
            spec.name,
            tuple(sorted(label for label, on in zip(spec.labels, taken[row], strict=True) if on)),
            float(sure[row]),
            "multiple",
        )
        for row in range(len(probabilities))
    ]
