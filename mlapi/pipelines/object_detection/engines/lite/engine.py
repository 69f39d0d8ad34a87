"""The engine `lite`: whether it can be used here, and the way to its training. Imports no torch."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlapi.pipelines.object_detection.engines import torch_threads
from mlapi.pipelines.object_detection.engines.base import DetectionExample, Engine
from mlapi.pipelines.object_detection.engines.lite import weights

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.lite.detector import LiteDetector


class Lite(Engine):
    """See `base.Engine`."""

    name = "lite"
    needs = ("torch",)
    module = "mlapi.pipelines.object_detection.engines.lite.detector"

    def missing(self) -> str | None:
        return None if importlib.util.find_spec("torch") else _not_installed("torch")

    def untrainable(self) -> str | None:
        if weights.find() is None:
            return self.missing() or _not_installed(weights.PACKAGE)
        return self.missing()

    def train(
        self,
        examples: Sequence[DetectionExample],
        labels: Sequence[str],
        *,
        seed: int,
        deadline: Callable[[], None],
    ) -> "LiteDetector":
        """Raises ValueError if no box has an area inside its image, or for other weights."""
        from mlapi.pipelines.object_detection.engines.lite import training

        with torch_threads.of_a_training():
            return training.train(examples, labels, seed=seed, deadline=deadline)

    def restore(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> "LiteDetector":
        from mlapi.pipelines.object_detection.engines.lite import detector

        return detector.restored(header, arrays)


def _not_installed(package: str) -> str:
    return f"The package {package} is not installed. Install requirements-vision.txt."
