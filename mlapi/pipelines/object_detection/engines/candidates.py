"""Makes an image's candidates of what an engine found: boxes and the probabilities of labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import Box


@dataclass(frozen=True)
class Suppression:
    """`most_iou`: of two boxes of a label, above it they are one object."""

    least_score: float
    most_iou: float
    most_boxes: int  # of a label


# What scores less is a mere trace: it is not served, and counts in no evaluation.
LEAST_SCORE = 0.05
USUAL = Suppression(least_score=LEAST_SCORE, most_iou=0.5, most_boxes=2_000)


def candidates(
    labels: Sequence[str], boxes: np.ndarray, probabilities: np.ndarray, rule: Suppression
) -> list[Box]:
    """(n, 4) boxes with (n, labels) probabilities, each label's suppressed; the best first."""
    has_area = geometry.areas(boxes) > 0
    found = []
    for label, scores in zip(labels, probabilities.T, strict=True):
        likely = np.flatnonzero((scores >= rule.least_score) & has_area)
        kept = geometry.suppress(boxes[likely], scores[likely], rule.most_iou, rule.most_boxes)
        for place in likely[kept]:
            left, top, right, bottom = boxes[place].tolist()
            found.append(Box(label, left, top, right, bottom, float(scores[place])))
    return sorted(found, key=lambda box: -box.score)
