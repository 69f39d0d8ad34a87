"""Trains the engine `patches`: templates, then the head on what the templates propose."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import DetectionExample, Engine
from mlapi.pipelines.object_detection.engines.inputs import Objects, boxes_and_labels, shrunk
from mlapi.pipelines.object_detection.engines.patches import detector, head, samples, templates
from mlapi.pipelines.object_detection.engines.patches.detector import LONGEST, PatchDetector
from mlapi.pipelines.object_detection.engines.patches.head import Samples

_ROUGH_EPOCHS, _EPOCHS = 10, 25
_LEAST_PROPOSALS, _MOST_PROPOSALS = 200, 2_000


class Patches(Engine):
    """See `base.Engine`."""

    name = "patches"
    module = "mlapi.pipelines.object_detection.engines.patches.detector"

    def train(
        self,
        examples: Sequence[DetectionExample],
        labels: Sequence[str],
        *,
        seed: int,
        deadline: Callable[[], None],
    ) -> PatchDetector:
        """Raises ValueError if no box has an area inside its image."""
        rng = np.random.default_rng(seed)
        objects = [_objects(example, labels) for example in examples]
        if not any(len(some.boxes) for some in objects):
            raise ValueError("No box has an area inside its image.")
        proposer = templates.fit(objects, rng, deadline)
        most = max(len(some.boxes) for some in objects)
        n_proposals = int(np.clip(3 * most, _LEAST_PROPOSALS, _MOST_PROPOSALS))

        def proposed(image: np.ndarray) -> np.ndarray:
            return proposer.propose(image, n_proposals)

        first = samples.drawn(objects, proposed, len(labels), rng, deadline)

        def learned(drawn: Samples, epochs: int) -> PatchDetector:
            fitted = head.fit(drawn, len(labels), epochs=epochs, seed=seed, deadline=deadline)
            return PatchDetector(tuple(labels), proposer, fitted, n_proposals)

        rough = learned(first, _ROUGH_EPOCHS)
        # What the first head believes to be objects, where it moved them to.
        second = samples.drawn(objects, rough.likely, len(labels), rng, deadline)
        return learned(samples.joined([first, second]), _EPOCHS)

    def restore(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> PatchDetector:
        return detector.restored(header, arrays)


def _objects(example: DetectionExample, labels: Sequence[str]) -> Objects:
    """The example at the size that is looked at, with its boxes of these labels.

    Without those of less than a pixel in the image.
    """
    image, scale = shrunk(example.image, LONGEST)
    boxes, numbers = boxes_and_labels(example, labels)
    height, width = image.shape[:2]
    boxes = geometry.within(boxes * scale, width, height)
    kept = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= 1
    return Objects(image, boxes[kept], numbers[kept])
