"""What takes part in a race: a recipe, and the estimator that fitting it makes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from mlapi.domain import Kind

# What an estimator says of a label that it has not seen: below every score of ridge.
UNSEEN = -10.0


class Estimator(Protocol):
    """A fitted recipe. Read only once made, so any thread may use it.

    `needs`: the packages without which it is not read from an artifact.
    """

    needs: ClassVar[tuple[str, ...]]

    @property
    def nbytes(self) -> int:
        """What it takes in memory, about."""

    def scores(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, labels): the higher, the more of that label; UNSEEN where it was not learned."""

    def to_parts(self) -> dict[str, Any]:
        """What the artifact has of it; `kind` tells which estimator it is."""


class Recipe(ABC):
    """How an estimator is made of examples. The same examples make the same estimator."""

    name: str

    @abstractmethod
    def fit(
        self, inputs: Sequence[Any], labels: np.ndarray, n_labels: int, kind: Kind
    ) -> Estimator:
        """Fit on n examples.

        `labels` is (n,) of label numbers for `single`, (n, n_labels) of 0 and 1 for `multiple`.
        Raises ValueError for data that it cannot be fitted on.
        """

    def takes_too_long(self, inputs: Sequence[Any], n_labels: int) -> bool:
        """Whether one fit would take more than some two minutes of one core."""
        return False
