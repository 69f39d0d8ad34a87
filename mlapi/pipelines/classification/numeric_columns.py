"""Inputs as a few numeric columns, for EvaDB's AutoML, which takes no text and no vectors."""

import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 64  # as many as the EvaDB function has outputs


class NumericColumns(ABC):
    """Fitted on the inputs that an estimator will be fitted on, never on those it is scored on."""

    nbytes: int

    @abstractmethod
    def columns(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, SIZE) float32; the last columns are 0 where there are fewer dimensions."""

    def save(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self, protocol=5))


def filled(reduced: np.ndarray) -> np.ndarray:
    """(n, at most SIZE) as (n, SIZE) float32, with zeros."""
    found = np.zeros((len(reduced), SIZE), dtype=np.float32)
    found[:, : reduced.shape[1]] = reduced
    return found


@lru_cache(maxsize=4)
def _kept(path: str, mtime_ns: int) -> NumericColumns:
    return pickle.loads(Path(path).read_bytes())  # noqa: S301 - of this very run


def load_columns(path: str) -> NumericColumns:
    """What `save` wrote, once per file: EvaDB makes its function anew at every bind."""
    return _kept(path, os.stat(path).st_mtime_ns)
