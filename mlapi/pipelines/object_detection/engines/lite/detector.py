"""What the engine `lite` has learned."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import Box
from mlapi.pipelines.object_detection.engines.lite import inputs
from mlapi.pipelines.object_detection.engines.lite.network import Network, boxes_at, prepared

_LEAST_SCORE = 0.02
_MOST_PLACES = 1_000  # of a label, before non-maximum suppression
_MOST_BOXES = 2_000  # of a label
_SAME_OBJECT = 0.5  # IoU


class LiteDetector:
    """See `base.Detector`. One thread at a time is inside the network."""

    def __init__(self, labels: tuple[str, ...], side: int, network: Network) -> None:
        self.labels = labels
        self._side = side
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._lock = threading.Lock()

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first."""
        small, scale = inputs.sized(image, self._side)
        pixels = prepared(torch.from_numpy(inputs.padded(small))[None])
        with self._lock, torch.inference_mode():
            logits, sides = self._network(pixels)
            scores = logits[0].sigmoid().flatten(1).numpy()
            boxes = boxes_at(sides[0]).flatten(0, 1).numpy()
        boxes = geometry.within(boxes / scale, image.shape[1], image.shape[0])
        has_area = geometry.areas(boxes) > 0
        found = []
        for label, of_label in zip(self.labels, scores, strict=True):
            likely = np.flatnonzero((of_label >= _LEAST_SCORE) & has_area)
            likely = likely[np.argsort(-of_label[likely], kind="stable")[:_MOST_PLACES]]
            kept = geometry.suppress(boxes[likely], of_label[likely], _SAME_OBJECT, _MOST_BOXES)
            found += [Box(label, *map(float, boxes[i]), float(of_label[i])) for i in likely[kept]]
        return sorted(found, key=lambda box: -box.score)

    def header(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "side": self._side}

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            name: value.numpy()
            for name, value in self._network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }


def restored(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> LiteDetector:
    """The detector that gave header and arrays. Raises ValueError for others."""
    try:
        labels, side = tuple(str(label) for label in header["labels"]), int(header["side"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"No detector of lite: {error!r}") from error
    if not labels or side < 1:
        raise ValueError("No detector of lite: it has no labels, or no size of images.")
    network = Network(len(labels))
    state = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = value
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError("No detector of lite: its arrays are others.") from error
    return LiteDetector(labels, side, network)
