"""A YOLO network of an ONNX file, run by OpenCV."""

import threading
from collections.abc import Mapping
from typing import Any, cast

import cv2
import numpy as np

from mlapi.pipelines.object_detection.engines import geometry, inputs
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.engines.candidates import USUAL, candidates
from mlapi.pipelines.object_detection.engines.onnx import model_file

_END_TO_END = 6  # numbers of a box that the network has selected: sides, score and class


class OnnxDetector(Detector):
    """See `base.Detector`. One thread at a time is inside the network.

    Outputs are read as the exporters of YOLO write them: (4 + classes, n) with the probabilities
    of each place, (n, 5 + classes) with one that there is an object before them, or (n, 6) with
    boxes that are selected already. Raises ValueError for another file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._file = model_file.read(content)
        self.labels = self._file.classes
        try:
            # OpenCV takes an array of bytes where its types name a file only.
            self._network = cv2.dnn.readNetFromONNX(cast(Any, np.frombuffer(content, np.uint8)))
        except cv2.error as error:
            raise ValueError(f"OpenCV cannot read the network: {error.err}") from error
        self._lock = threading.Lock()
        self.detect(np.full((self._file.height, self._file.width, 3), 127, np.uint8))

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first."""
        height, width = image.shape[:2]
        scale = min(self._file.width / width, self._file.height / height)
        small, _ = inputs.sized(image, max(1, round(max(width, height) * scale)))
        small = small[: self._file.height, : self._file.width]
        square = np.full((self._file.height, self._file.width, 3), 127, np.uint8)
        square[: small.shape[0], : small.shape[1]] = small
        blob = (square.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        with self._lock:
            try:
                self._network.setInput(np.ascontiguousarray(blob))
                output = self._network.forward()
            except cv2.error as error:
                raise ValueError(f"OpenCV cannot run the network: {error.err}") from error
        boxes, scores = _read(output, len(self.labels))
        boxes = geometry.within(boxes / scale, width, height)
        return candidates(self.labels, boxes, scores, USUAL)

    def header(self) -> dict[str, Any]:
        return {"labels": list(self.labels)}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"file": np.frombuffer(self._content, np.uint8)}


def restored(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> OnnxDetector:
    """The detector that gave header and arrays. Raises ValueError for others."""
    file = arrays.get("file")
    if file is None or file.dtype != np.uint8 or file.ndim != 1:
        raise ValueError("No detector of onnx: it has no file.")
    found = OnnxDetector(file.tobytes())
    if list(found.labels) != header.get("labels"):
        raise ValueError("No detector of onnx: its file has other classes.")
    return found


def _read(output: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4) boxes in pixels of the input, and (n, classes) probabilities."""
    found = output[0] if output.ndim == 3 and len(output) == 1 else None
    if found is None:
        raise ValueError(f"The network's output has the shape {output.shape}, as none of YOLO's.")
    rows, columns = found.shape
    if rows == 4 + classes and columns != 5 + classes:
        return _corners(found.T[:, :4]), found.T[:, 4:]
    if columns == _END_TO_END and rows <= 1_000:
        return _selected(found, classes)
    if columns == 5 + classes:
        return _corners(found[:, :4]), found[:, 5:] * found[:, 4:5]
    raise ValueError(f"The network's output of {output.shape} does not fit {classes} classes.")


def _selected(found: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = found[:, 5].round().astype(int)
    known = (numbers >= 0) & (numbers < classes)
    scores = np.zeros((len(found), classes), np.float32)
    scores[known, numbers[known]] = found[known, 4]
    return found[:, :4], scores


def _corners(places: np.ndarray) -> np.ndarray:
    half = places[:, 2:] / 2
    return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1)
