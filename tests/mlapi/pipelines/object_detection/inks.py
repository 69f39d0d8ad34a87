"""An engine that learns the colour of each label, and finds what is evenly of it.

Small enough for tests of everything around engines.
"""

import json
from dataclasses import dataclass

import cv2
import numpy as np

from mlapi.pipelines.object_detection import engines
from mlapi.pipelines.object_detection.engines.base import Box, Detector, Engine

NAME = "inks"
_NEAR = 60.0


@dataclass
class InkDetector(Detector):
    labels: list[str]
    colours: np.ndarray

    def detect(self, image):
        found = []
        for label, colour in zip(self.labels, self.colours, strict=True):
            far = np.abs(image.astype(np.float32) - colour).max(axis=2)
            mask = (far < _NEAR).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
            for left, top, width, height, area in stats[1:].tolist():
                if area >= 30:
                    inside = far[top : top + height, left : left + width]
                    score = float(np.clip(1 - inside.mean() / _NEAR, 0.06, 0.99))
                    found.append(Box(label, left, top, left + width, top + height, score))
        return sorted(found, key=lambda box: -box.score)

    def header(self):
        return {"labels": self.labels}

    def arrays(self):
        return {"colours": self.colours}


class Inks(Engine):
    name = NAME
    reason: str | None = None

    def missing(self):
        return self.reason

    def train(self, examples, labels, *, seed, deadline):
        colours = {label: [] for label in labels}
        for example in examples:
            deadline()
            for box in example.boxes:
                crop = example.image[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
                colours[box.label].append(np.median(crop.reshape(-1, 3), axis=0))
        means = np.array([np.median(colours[label], axis=0) for label in labels], np.float32)
        return InkDetector(list(labels), means)

    def restore(self, header, arrays):
        labels, colours = header["labels"], arrays["colours"]
        if colours.shape != (len(labels), 3):
            raise ValueError(f"{len(labels)} labels have no colours {colours.shape}")
        return InkDetector(json.loads(json.dumps(labels)), colours)


def register(setitem=dict.__setitem__) -> None:
    """List it; `setitem` is monkeypatch's in a process that has other tests."""
    setitem(engines.ENGINES, NAME, Inks())
