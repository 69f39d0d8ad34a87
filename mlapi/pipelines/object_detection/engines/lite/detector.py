"""What the engine `lite` has learned."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mlapi.pipelines.object_detection.engines import geometry, inputs
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.engines.candidates import USUAL, candidates
from mlapi.pipelines.object_detection.engines.lite.network import Network, boxes_at, prepared


class LiteDetector(Detector):
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
            scores = logits[0].sigmoid().flatten(1).T.numpy()
            boxes = boxes_at(sides[0]).flatten(0, 1).numpy()
        boxes = geometry.within(boxes / scale, image.shape[1], image.shape[0])
        return candidates(self.labels, boxes, scores, USUAL)

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
