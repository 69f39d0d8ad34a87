"""Inputs as a few numeric columns, for EvaDB's AutoML, which takes no text and no vectors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self
from weakref import WeakValueDictionary

import numpy as np

from mlapi.pipelines.parts import Parts

SIZE = 64  # as many as the EvaDB function has outputs


class NumericColumns(ABC):
    """Fitted on the inputs that an estimator will be fitted on, never on those it is scored on.

    `kind` is its name in artifacts, for good.
    """

    kind: ClassVar[str]
    nbytes: int

    @abstractmethod
    def columns(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, SIZE) float32; the last columns are 0 where there are fewer dimensions."""

    @abstractmethod
    def to_parts(self) -> dict[str, Any]:
        """What an artifact has of it, without its kind."""

    @classmethod
    @abstractmethod
    def from_parts(cls, parts: Parts) -> Self:
        """What `to_parts` wrote. Raises ArtifactInvalid."""


def filled(reduced: np.ndarray) -> np.ndarray:
    """(n, at most SIZE) as (n, SIZE) float32, with zeros."""
    found = np.zeros((len(reduced), SIZE), dtype=np.float32)
    found[:, : reduced.shape[1]] = reduced
    return found


# By the name of the EvaDB function that gives them; EvaDB makes its function anew at every bind.
# They are here for as long as the estimator that has them.
in_this_process: WeakValueDictionary[str, NumericColumns] = WeakValueDictionary()
