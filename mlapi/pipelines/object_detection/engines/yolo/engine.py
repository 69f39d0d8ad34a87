"""The engine `yolo`: whether it can be used here, and the way to its training. Imports no torch."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlapi.pipelines.object_detection.engines.base import Example
from mlapi.pipelines.object_detection.engines.yolo import licence

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.yolo.detector import YoloDetector


class Yolo:
    """See `base.Engine`. No export has it, whose code would be under another licence."""

    name = "yolo"
    needs: tuple[str, ...] = ("torch", "ultralytics")
    module = None

    def missing(self) -> str | None:
        if not licence.is_accepted():
            return licence.REFUSAL
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        if absent:
            return f"The package {absent[0]} is not installed. Install requirements-yolo.txt."
        return None

    def untrainable(self) -> str | None:
        return self.missing()

    def train(
        self,
        examples: Sequence[Example],
        labels: Sequence[str],
        *,
        seed: int,
        deadline: Callable[[], None],
    ) -> "YoloDetector":
        """Raises ValueError if no box has an area inside its image."""
        from mlapi.pipelines.object_detection.engines.yolo import training

        return training.train(examples, labels, seed=seed, deadline=deadline)

    def restore(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> "YoloDetector":
        from mlapi.pipelines.object_detection.engines.yolo import detector

        return detector.restored(header, arrays)
