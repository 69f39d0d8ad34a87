"""The engine `yolo`: whether it can be used here, and the way to its training. Imports no torch."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlapi import operator_settings
from mlapi.pipelines.object_detection.engines import torch_threads
from mlapi.pipelines.object_detection.engines.base import DetectionExample, Engine

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.yolo.detector import YoloDetector

_LICENCE_SETTING = "ACCEPT_AGPL"
_REFUSAL = (
    "ultralytics is under the AGPL-3.0: whoever serves its predictions over a network must offer "
    "the complete source of the serving program, under that licence, to all who use it. Set "
    f"{_LICENCE_SETTING}=true if you do."
)


def is_licence_accepted() -> bool:
    """Whether the operator has accepted what ultralytics' licence asks of a network service."""
    return operator_settings.of(_LICENCE_SETTING) == "True"


class Yolo(Engine):
    """See `base.Engine`. No export has it, whose code would be under another licence.

    It learns from random weights, or from those of `start`, whose classes are `known` as labels.
    """

    name = "yolo"
    needs = ("torch", "ultralytics")

    def __init__(
        self, start: "YoloDetector | None" = None, known: Mapping[str, str] | None = None
    ) -> None:
        self._start = start
        self._known = known or {}

    def missing(self) -> str | None:
        if not is_licence_accepted():
            return _REFUSAL
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        if absent:
            return f"The package {absent[0]} is not installed. Install requirements-yolo.txt."
        return None

    def train(
        self,
        examples: Sequence[DetectionExample],
        labels: Sequence[str],
        *,
        seed: int,
        deadline: Callable[[], None],
    ) -> "YoloDetector":
        """Raises ValueError if no box has an area inside its image."""
        from mlapi.pipelines.object_detection.engines.yolo import training

        with torch_threads.of_a_training():
            return training.train(
                examples,
                labels,
                start=self._start,
                known=self._known,
                seed=seed,
                deadline=deadline,
            )

    def read(self, path: Path) -> "YoloDetector":
        """The network of an operator's file. Raises OSError, or ValueError for another file."""
        from mlapi.pipelines.object_detection.engines.yolo import detector, model_file

        return detector.of_file(model_file.read(path))

    def restore(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> "YoloDetector":
        from mlapi.pipelines.object_detection.engines.yolo import detector

        return detector.restored(header, arrays)
