"""Metrics of predictions beside human labels: arrays in, metric rows out."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from registry.statistics import (
    f1_by_label,
    indicators,
    macro_f1,
    weighted_macro_f1,
    weighted_micro_f1,
)
from registry.training_result import MetricRow

ECE_BINS = 10
_SIMULATIONS = 200
_LEAST_PROBABILITY = 1e-6  # so that a class that was never learned costs 13.8, not infinity


Log = Callable[[str], object]


def row(name: str, value: float | None, n: int, *, label: str = "", step: int = 0) -> MetricRow:
    """A metric without its target; an undefined value is None."""
    value = None if value is None or not math.isfinite(value) else float(value)
    return MetricRow(name, value, int(n), label=label, step=step)


def multiclass(
    humans: Sequence[str],
    answers: Sequence[str | None],
    probabilities: np.ndarray | None,
    labels: Sequence[str],
    *,
    baseline: str,
    unlearned: Sequence[str] = (),
    seed: int = 0,
    log: Log = lambda text: None,
) -> list[MetricRow]:
    """Metrics of single labels over n tasks; None is no answer.

    `probabilities` is (n, labels) in the order of `labels`, without which log loss and ECE have
    no rows; ECE is of the answers' probabilities. `baseline` is the majority class of the training
    split. A metric that fails is undefined, and the log has the reason.
    """
    n = len(humans)
    if n == 0:
        return [row("accuracy", None, 0), row("macro_f1", None, 0)]
    answered = [() if a is None else (a,) for a in answers]
    known = sorted({*humans, *labels, *(a for one in answered for a in one)})
    truth = indicators([[h] for h in humans], known)
    predicted = indicators(answered, known)
    correct = np.array([h == a for h, a in zip(humans, answers, strict=True)])
    always = indicators([[baseline]] * n, known)
    support = truth.sum(axis=0)

    def weighted_f1() -> float:
        f1 = np.nan_to_num(f1_by_label(truth, predicted))
        return float((f1 * support).sum() / support.sum())

    whole: dict[str, Callable[[], float | None]] = {
        "accuracy": correct.mean,
        "macro_f1": lambda: macro_f1(truth, predicted),
        "weighted_f1": weighted_f1,
        "baseline_accuracy": lambda: float(np.mean([h == baseline for h in humans])),
        "baseline_macro_f1": lambda: macro_f1(truth, always),
    }
    if probabilities is not None:
        estimates, confidence = probabilities, _of_answers(probabilities, answers, labels)
        whole |= {
            "log_loss": lambda: _log_loss(humans, estimates, labels, unlearned),
            **_calibration(confidence, correct, seed),
        }
    return [*_rows(whole, n, log), *_by_label(truth, predicted, known, log)]


def multilabel(
    humans: Sequence[Sequence[str]],
    answers: Sequence[Sequence[str]],
    probabilities: np.ndarray | None,
    labels: Sequence[str],
    *,
    baseline: Sequence[str],
    seed: int = 0,
    log: Log = lambda text: None,
) -> list[MetricRow]:
    """Metrics of sets of labels; `baseline` is the training split's most common set.

    Log loss and ECE are over the decisions, one for each task and label. A metric that fails is
    undefined, and the log has the reason.
    """
    n = len(humans)
    if n == 0:
        return [row("subset_accuracy", None, 0), row("macro_f1", None, 0)]
    known = sorted({label for sets in (humans, answers, [labels]) for s in sets for label in s})
    truth, predicted = indicators(humans, known), indicators(answers, known)
    always = indicators([baseline] * n, known)
    whole: dict[str, Callable[[], float | None]] = {
        "subset_accuracy": lambda: float((truth == predicted).all(axis=1).mean()),
        "micro_f1": lambda: _micro_f1(truth, predicted),
        "macro_f1": lambda: macro_f1(truth, predicted),
        "baseline_subset_accuracy": lambda: float((truth == always).all(axis=1).mean()),
        "baseline_micro_f1": lambda: _micro_f1(truth, always),
        "baseline_macro_f1": lambda: macro_f1(truth, always),
    }
    if probabilities is not None:
        is_true = indicators(humans, labels) == 1
        of_truth = np.where(is_true, probabilities, 1 - probabilities)
        decided = np.maximum(probabilities, 1 - probabilities).ravel()
        correct = ((probabilities >= 0.5) == is_true).ravel()
        whole |= {
            "log_loss": lambda: _mean_log_loss(of_truth),
            **_calibration(decided, correct, seed),
        }
    return [*_rows(whole, n, log), *_by_label(truth, predicted, known, log)]


class SetScores:
    """A version's sets of labels beside the humans', as metrics of weighted tasks.

    Each takes weights (rows, n) and gives (rows,), NaN where it is undefined. No prediction,
    which is None, is the empty set that is never correct.
    """

    def __init__(
        self, humans: Sequence[Sequence[str]], answers: Sequence[Sequence[str] | None]
    ) -> None:
        labels = sorted({label for one in (*humans, *answers) for label in one or ()})
        self._truth = indicators(humans, labels)
        self._predicted = indicators([one or () for one in answers], labels)
        both = zip(humans, answers, strict=True)
        self._right = np.array([a is not None and set(a) == set(h) for h, a in both], dtype=float)

    def macro_f1(self, weights: np.ndarray) -> np.ndarray:
        """Over the labels that occur among the human ones."""
        return weighted_macro_f1(self._truth, self._predicted, weights)

    def micro_f1(self, weights: np.ndarray) -> np.ndarray:
        """Over all decisions together."""
        return weighted_micro_f1(self._truth, self._predicted, weights)

    def accuracy(self, weights: np.ndarray) -> np.ndarray:
        """The share of tasks with exactly the humans' set."""
        tasks, right = weights.sum(axis=1), weights @ self._right
        return np.divide(right, tasks, out=np.full(tasks.shape, np.nan), where=tasks > 0)


def _calibration(
    confidence: np.ndarray, correct: np.ndarray, seed: int
) -> dict[str, Callable[[], float | None]]:
    return {
        "ece": lambda: ece(confidence, correct),
        "ece_calibrated": lambda: ece_if_calibrated(confidence, seed=seed),
    }


def _rows(whole: dict[str, Callable[[], float | None]], n: int, log: Log) -> list[MetricRow]:
    """The rows of these metrics, each computed by itself."""
    rows = []
    for name, compute in whole.items():
        try:
            value = compute()
        except Exception as e:  # noqa: BLE001 - the other metrics go on
            log(f"The metric {name} could not be computed: {type(e).__name__}: {e}")
            value = None
        rows.append(row(name, value, n))
    return rows


def _by_label(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], log: Log
) -> list[MetricRow]:
    from sklearn.metrics import precision_recall_fscore_support  # who predicts needs none of it

    # A single column is read as classes 0 and 1, of which the label is 1.
    columns = [1] if len(labels) == 1 else None
    try:
        precision, recall, f1, support = precision_recall_fscore_support(
            truth, predicted, labels=columns, average=None, zero_division=np.nan
        )
    except Exception as e:  # noqa: BLE001 - the other metrics go on
        log(f"The metrics of each label could not be computed: {type(e).__name__}: {e}")
        return []
    rows = []
    for i, label in enumerate(labels):
        n = int(support[i])
        rows += [
            row("precision", precision[i], int(predicted[:, i].sum()), label=label),
            row("recall", recall[i], n, label=label),
            row("f1", f1[i], n, label=label),
            row("support", n, n, label=label),
        ]
    return rows


def _micro_f1(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    both = float(truth.sum() + predicted.sum())
    return 2 * float((truth * predicted).sum()) / both if both else None


def _of_answers(
    probabilities: np.ndarray, answers: Sequence[str | None], labels: Sequence[str]
) -> np.ndarray:
    """(n,): the probability of each answer, which need not be the likeliest label; that of the
    likeliest where the answer is none of the `labels`.
    """
    number = {label: i for i, label in enumerate(labels)}
    likeliest = probabilities.argmax(axis=1).tolist()
    columns = [
        best if answer is None else number.get(answer, best)
        for answer, best in zip(answers, likeliest, strict=True)
    ]
    return probabilities[np.arange(len(columns)), columns]


def _log_loss(
    humans: Sequence[str],
    probabilities: np.ndarray,
    labels: Sequence[str],
    unlearned: Sequence[str],
) -> float:
    """Not scikit-learn's, which takes no label that the model has not learned.

    What a row lacks to 1 belongs to the unlearned labels in equal parts.
    """
    number = {label: i for i, label in enumerate(labels)}
    lacking = np.maximum(0, 1 - probabilities.sum(axis=1)) / max(1, len(unlearned))
    return _mean_log_loss(
        [
            probabilities[i, number[human]]
            if human in number
            else (lacking[i] if human in unlearned else 0.0)
            for i, human in enumerate(humans)
        ]
    )


def _mean_log_loss(of_truth: np.ndarray | Sequence[float]) -> float:
    """Of the probabilities that were given to the human labels."""
    return float(-np.log(np.clip(of_truth, _LEAST_PROBABILITY, 1)).mean())


def ece(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Expected calibration error, ten bins of equal width (Guo et al. 2017); 0 is calibrated."""
    return float(_ece(np.asarray(confidence), np.asarray(correct, dtype=float)[None, :])[0])


def ece_if_calibrated(confidence: np.ndarray, *, seed: int = 0) -> float:
    """The mean `ece` of a perfectly calibrated model with these confidences.

    It is not 0 with few examples: simulated by letting each answer be right with exactly its
    confidence.
    """
    confidence = np.asarray(confidence)
    rng = np.random.default_rng(seed)
    total = 0.0
    # In chunks, so that memory does not grow with simulations times examples.
    for _ in range(0, _SIMULATIONS, 20):
        total += _ece(confidence, (rng.random((20, len(confidence))) < confidence) * 1.0).sum()
    return float(total / _SIMULATIONS)


def _ece(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """For each row of `correct` (rows, n)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    member = np.eye(ECE_BINS)[bins]  # (n, bins)
    gap = np.abs((correct - confidence) @ member)
    return gap.sum(axis=1) / len(confidence)
