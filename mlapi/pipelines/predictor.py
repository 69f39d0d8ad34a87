"""The interface of a loaded version: task data in, answers out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlapi.domain import NoPrediction, Prediction, TargetSpec
from mlapi.images.features import InputSource

# What a version's function does: columns in, one list for each output.
Evaluate = Callable[..., list[list[Any]]]


class Predictor(ABC):
    """A loaded version. Shared by all threads of a process."""

    targets: tuple[TargetSpec, ...]
    nbytes: int

    @abstractmethod
    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: InputSource | None = None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        """For each task's data, the answers of the trained targets by control name.

        `specs` are today's targets, by which inputs are read; None: those of the training. A
        control in none of them is left out. `store` has what is not in a task's data: features or
        pixels of images, and vectors of texts, which are made where it has none. Never raises for
        what a task holds.
        """

    def suggest(
        self,
        row: dict[str, Any],
        specs: Sequence[TargetSpec],
        drawn: Mapping[str, Any],
        store: InputSource | None,
    ) -> dict[str, Prediction]:
        """By control what it predicts for a task beside what a person has just drawn there.

        `drawn` are values by control. Nothing by default: the task's own predictions stand.
        """
        return {}
