"""The interfaces of detection engines: what learns boxes, what was learned, what restores it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np


@dataclass(frozen=True)
class Box:
    """A labelled rectangle, in pixels of the upright image."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0


@dataclass(frozen=True)
class DetectionExample:
    """An image with all of its boxes.

    `image`: (height, width, 3) uint8, RGB, upright.
    """

    image: np.ndarray
    boxes: tuple[Box, ...]


class Detector(Protocol):
    """What an engine has learned. Shared by all threads of a process."""

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first, with scores of 0 to 1.

        Thresholds are applied by the caller.
        """

    def header(self) -> dict[str, Any]:
        """What `restore` needs beside the arrays, as JSON."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""

    @property
    def nbytes(self) -> int:
        """What it holds in memory: its arrays."""
        return sum(int(array.nbytes) for array in self.arrays().values())


class DetectorLoader(ABC):
    """Restores the detectors of one kind, by its name. Shared by all threads of a process.

    `needs` are the packages beside those of every installation that a detector of it needs, and
    `module` is the one that restores it, from which an export finds its source; None where an
    export cannot have it. `not_trained` says how a model is named whose kind is not trained.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    module: ClassVar[str | None] = None
    not_trained: ClassVar[str] = ""

    def missing(self) -> str | None:
        """Why its detectors cannot be used on this machine, in words; None if they can."""
        return None

    @abstractmethod
    def restore(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Detector:
        """The detector that gave these. Raises ValueError if they are no such detector's.

        And TrainingFailed where it needs files of this machine that are missing or others.
        """


class Engine(DetectorLoader):
    """A way to learn boxes. Shared by all threads of a process."""

    def untrainable(self) -> str | None:
        """Why it cannot learn on this machine, in words; None if it can."""
        return self.missing()

    @abstractmethod
    def train(
        self,
        examples: Sequence[DetectionExample],
        labels: Sequence[str],
        *,
        seed: int,
        deadline: Callable[[], None],
    ) -> Detector:
        """Learn the labels' boxes. `deadline` is called now and then, and raises to end it."""
