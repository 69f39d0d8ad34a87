"""What the engine `patches` has learned, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.engines.candidates import USUAL, candidates
from mlapi.pipelines.object_detection.engines.inputs import shrunk
from mlapi.pipelines.object_detection.engines.patches import channels, head
from mlapi.pipelines.object_detection.engines.patches.head import Head, Layers
from mlapi.pipelines.object_detection.engines.patches.proposals import Proposer, Scales, Template

LONGEST = 640  # pixels of an image's side, as it is looked at
_SUPPRESSION = replace(USUAL, most_iou=0.45)
_SECOND_LOOK = 0.05  # windows with less are scored once


@dataclass(frozen=True)
class PatchDetector(Detector):
    """See `base.Detector`. `n_proposals` windows of an image are scored by the head."""

    labels: tuple[str, ...]
    proposer: Proposer
    head: Head
    n_proposals: int

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first."""
        small, scale = shrunk(image, LONGEST)
        boxes, probabilities = self._scored(small)
        boxes /= scale
        boxes = geometry.within(boxes, image.shape[1], image.shape[0])
        return candidates(self.labels, boxes, probabilities, _SUPPRESSION)

    def likely(self, image: np.ndarray) -> np.ndarray:
        """(n, 4): the boxes of windows that may be objects, the likeliest first."""
        boxes, probabilities = self._scored(image)
        scores = probabilities.max(axis=1, initial=0)
        order = np.argsort(-scores, kind="stable")
        return boxes[order[scores[order] >= _SECOND_LOOK]]

    def _scored(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and the probabilities of their labels; the likely ones are looked at twice."""
        boxes = self.proposer.propose(image, self.n_proposals)
        if not len(boxes):
            return boxes, np.zeros((0, len(self.labels)), np.float32)
        probabilities, steps = self.head(head.describe(image, boxes))
        boxes = self._moved(boxes, steps, image)
        likely = np.flatnonzero(probabilities.max(axis=1) >= _SECOND_LOOK)
        if len(likely):
            again, steps = self.head(head.describe(image, boxes[likely]))
            # Both looks count: the second is at the right place, the first was trained on such.
            probabilities[likely] = (probabilities[likely] + again) / 2
            boxes[likely] = self._moved(boxes[likely], steps, image)
        return boxes, probabilities

    @staticmethod
    def _moved(boxes: np.ndarray, steps: np.ndarray, image: np.ndarray) -> np.ndarray:
        moved = geometry.moved(boxes, steps)
        return geometry.within(moved, image.shape[1], image.shape[0]).astype(np.float32)

    def header(self) -> dict[str, Any]:
        scales = self.proposer.scales
        return {
            "labels": list(self.labels),
            "n_proposals": self.n_proposals,
            "scales": [scales.side, scales.least, scales.most],
            "n_templates": len(self.proposer.templates),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        templates = self.proposer.templates
        layers = {
            f"{name}_{place}": value
            for name, network in (("labels", self.head.labels), ("boxes", self.head.boxes))
            for place, value in vars(network).items()
        }
        return {
            **{f"template_{n}": t.weights for n, t in enumerate(templates)},
            "template_biases": np.array([t.bias for t in templates], np.float32),
            "mean": self.head.mean,
            "components": self.head.components,
            **layers,
        }


def restored(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> PatchDetector:
    """The detector that gave header and arrays. Raises ValueError for others."""
    try:
        count = int(header["n_templates"])
        biases = arrays["template_biases"]
        templates = [Template(arrays[f"template_{n}"], float(biases[n])) for n in range(count)]
        networks = [
            Layers(*(arrays[f"{name}_{field.name}"] for field in fields(Layers)))
            for name in ("labels", "boxes")
        ]
        labels = tuple(str(label) for label in header["labels"])
        scales = Scales(*(float(n) for n in header["scales"]))
        learned = Head(arrays["mean"], arrays["components"], *networks)
        n_proposals = int(header["n_proposals"])
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"No detector of patches: {error!r}") from error
    _check(templates, learned, len(labels), n_proposals)
    return PatchDetector(labels, Proposer(templates, scales), learned, n_proposals)


def _check(templates: list[Template], learned: Head, n_labels: int, n_proposals: int) -> None:
    """Raises ValueError unless the arrays fit to each other."""
    components = learned.components.shape[-1]
    hidden = learned.labels.hidden.shape[-1], learned.boxes.hidden.shape[-1]
    expected = [
        (learned.mean, (head.SIZE,)),
        (learned.components, (head.SIZE, components)),
        (learned.labels.hidden, (components, hidden[0])),
        (learned.labels.hidden_bias, (hidden[0],)),
        (learned.labels.out, (hidden[0], n_labels + 1)),
        (learned.labels.out_bias, (n_labels + 1,)),
        (learned.boxes.hidden, (components, hidden[1])),
        (learned.boxes.hidden_bias, (hidden[1],)),
        (learned.boxes.out, (hidden[1], 4)),
        (learned.boxes.out_bias, (4,)),
    ]
    fit = all(array.shape == shape for array, shape in expected)
    windows = all(
        t.weights.ndim == 3 and t.weights.shape[2] == channels.CHANNELS for t in templates
    )
    if not (fit and windows and templates and n_labels and n_proposals > 0):
        raise ValueError("No detector of patches: its arrays have other shapes.")
