"""What the engine `yolo` has learned, or was given by an operator's file."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from mlapi.pipelines.object_detection.engines import geometry, inputs
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.engines.candidates import USUAL, candidates
from mlapi.pipelines.object_detection.engines.yolo import definition as definitions
from mlapi.pipelines.object_detection.engines.yolo import network as networks
from mlapi.pipelines.object_detection.engines.yolo.model_file import YoloModelFile


class YoloDetector(Detector):
    """See `base.Detector`. One thread at a time is inside the network.

    The definition may be of other classes than the labels, for each of which the network has an
    output of its own.
    """

    def __init__(
        self, labels: tuple[str, ...], side: int, definition: dict[str, Any], network: nn.Module
    ) -> None:
        self.labels = labels
        self.definition = definition
        self._side = side
        self._network = network.eval()
        self._lock = threading.Lock()

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first."""
        small, scale = inputs.sized(image, self._side)
        pixels = networks.prepared(torch.from_numpy(inputs.padded(small))[None])
        with self._lock, torch.inference_mode():
            boxes, scores = networks.detections(self._network, pixels)
        places = geometry.within(boxes.numpy() / scale, image.shape[1], image.shape[0])
        return candidates(self.labels, places, scores.numpy(), USUAL)

    def weights(self) -> bytes:
        """As a safetensors file has them."""
        return networks.weights(self._network)

    def header(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "side": self._side, "definition": self.definition}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"safetensors": np.frombuffer(self.weights(), np.uint8)}


def of_file(file: YoloModelFile) -> YoloDetector:
    """The detector of an operator's file. Raises ValueError."""
    network = networks.build(file.definition)
    networks.load_weights(network, file.weights)
    return YoloDetector(file.classes, file.side, file.definition, network)


def restored(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> YoloDetector:
    """The detector that gave header and arrays. Raises ValueError for others."""
    try:
        labels, side = tuple(str(label) for label in header["labels"]), int(header["side"])
        classes = int(header["definition"]["nc"])
        content = arrays["safetensors"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"No detector of yolo: {error!r}") from error
    if not labels or side < 1 or classes < 1 or content.dtype != np.uint8:
        raise ValueError("No detector of yolo: it has no labels, no size of images or no weights.")
    try:
        definition = definitions.checked(header["definition"], classes)
        network = networks.build(definition)
        networks.relabel(network, [None] * len(labels))
        networks.load_weights(network, content.tobytes())
    except ValueError as error:
        raise ValueError(f"No detector of yolo: {error}") from error
    return YoloDetector(labels, side, definition, network)
