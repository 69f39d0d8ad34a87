"""Predicts as one batch what waits at the same moment.

A request that finds none being predicted is predicted at once, by its own thread. Those that come
meanwhile wait, and the first of them then predicts all: nothing waits for a time, and no thread
predicts for others twice.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mlapi.domain import NoPrediction, Prediction, TargetSpec

# Rows of a request that waits for others, or that others wait for: a larger one gains nothing.
ROWS_SHARED = 32
_ROWS_AT_ONCE = 256  # in one batch of several requests, which bounds how long the next one waits

Answers = list[dict[str, Prediction | NoPrediction]]
Predict = Callable[[Sequence[dict[str, Any]], Sequence[TargetSpec]], Answers]


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class _Waiting:
    """A request, which waits until `turn` is released.

    It then has a batch to predict, of which it is the first; or the answers to its rows, without
    which it is predicted alone, as its batch has failed.
    """

    rows: Sequence[dict[str, Any]]
    specs: Sequence[TargetSpec]
    turn: threading.Lock = field(default_factory=_held)
    batch: "list[_Waiting]" = field(default_factory=list)
    answers: Answers | None = None


class Batches:
    """The requests for one version in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_predicting = False
        self._waiting: list[_Waiting] = []

    def predict(
        self, predict: Predict, rows: Sequence[dict[str, Any]], specs: Sequence[TargetSpec]
    ) -> Answers:
        """What `predict` answers to these rows. Raises what it raises for them alone."""
        if len(rows) > ROWS_SHARED:
            return predict(rows, specs)
        own = _Waiting(rows, specs)
        with self._lock:
            if self._is_predicting:
                self._waiting.append(own)
            else:
                self._is_predicting = True
                own.batch = [own]
        if not own.batch:
            own.turn.acquire()
        if own.batch:
            try:
                _answer(predict, own.batch)
            finally:
                self._hand_over()
                for waiting in own.batch[1:]:
                    waiting.turn.release()
        return predict(rows, specs) if own.answers is None else own.answers

    def _hand_over(self) -> None:
        """The first that waits predicts next, with what waits beside it for the same targets."""
        with self._lock:
            if not self._waiting:
                self._is_predicting = False
                return
            first, *others = self._waiting
            size, batch, left = len(first.rows), [first], []
            for waiting in others:
                fits = waiting.specs == first.specs and size + len(waiting.rows) <= _ROWS_AT_ONCE
                size += len(waiting.rows) if fits else 0
                (batch if fits else left).append(waiting)
            self._waiting = left
            first.batch = batch
        first.turn.release()


def _answer(predict: Predict, batch: Sequence[_Waiting]) -> None:
    """Give each request its answers; of several none gets any if the batch fails.

    Each of them then meets what is its own when it is predicted alone.
    """
    if len(batch) == 1:
        batch[0].answers = predict(batch[0].rows, batch[0].specs)
        return
    rows = [row for waiting in batch for row in waiting.rows]
    with suppress(Exception):
        answers = predict(rows, batch[0].specs)
        if len(answers) == len(rows):
            remaining = iter(answers)
            for waiting in batch:
                waiting.answers = list(islice(remaining, len(waiting.rows)))
