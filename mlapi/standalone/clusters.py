"""The part of a version that names the clusters of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.image_clusters.predictor import ClusterPredictor
from mlapi.pipelines.parts import Parts
from mlapi.standalone.image_files import ImagePart


def part(parts: Parts, folder: Path) -> ImagePart:
    """The part as it is in the artifact."""
    model = ClusterModel.from_parts(parts)

    def evaluate(vectors: Sequence[np.ndarray]) -> list[list[Any]]:
        """As `NearestCluster`, of vectors that are there."""
        return [list(one) for one in model.assign(np.stack(vectors))] if vectors else [[], []]

    return ImagePart(ClusterPredictor(model, evaluate))
