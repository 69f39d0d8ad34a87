"""What the engine `yolo` has learned."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from mlapi.pipelines.object_detection.engines import geometry, inputs
from mlapi.pipelines.object_detection.engines.base import Box
from mlapi.pipelines.object_detection.engines.candidates import Suppression, candidates
from mlapi.pipelines.object_detection.engines.yolo import network as networks

_SUPPRESSION = Suppression(least_score=0.02, most_iou=0.5, most_boxes=2_000)
_COUNTER = "num_batches_tracked"


class YoloDetector:
    """See `base.Detector`. One thread at a time is inside the network."""

    def __init__(
        self, labels: tuple[str, ...], side: int, definition: str, network: nn.Module
    ) -> None:
        self.labels = labels
        self._side = side
        self._definition = definition
        self._network = network.eval()
        self._lock = threading.Lock()

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first."""
        small, scale = inputs.sized(image, self._side)
        pixels = networks.prepared(torch.from_numpy(inputs.padded(small))[None])
        with self._lock, torch.inference_mode():
            boxes, scores = networks.found(self._network, pixels)
        places = geometry.within(boxes.numpy() / scale, image.shape[1], image.shape[0])
        return candidates(self.labels, places, scores.numpy(), _SUPPRESSION)

    def header(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "side": self._side, "definition": self._definition}

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            name: value.numpy()
            for name, value in self._network.state_dict().items()
            if not name.endswith(_COUNTER)
        }


def restored(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> YoloDetector:
    """The detector that gave header and arrays. Raises ValueError for others."""
    try:
        labels, side = tuple(str(label) for label in header["labels"]), int(header["side"])
        definition = str(header["definition"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"No detector of yolo: {error!r}") from error
    if not labels or side < 1:
        raise ValueError("No detector of yolo: it has no labels, or no size of images.")
    network = networks.build(definition, len(labels))
    state = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    for name, value in network.state_dict().items():
        if name.endswith(_COUNTER):
            state[name] = value
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError("No detector of yolo: its arrays are others.") from error
    return YoloDetector(labels, side, definition, network)
