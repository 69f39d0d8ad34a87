"""The part of a version that finds the images that are similar to references."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlapi.pipelines.image_similarity.model import SimilarityModel
from mlapi.pipelines.image_similarity.predictor import SimilarityPredictor
from mlapi.pipelines.parts import Parts
from mlapi.standalone.image_files import ImagePart


def part(parts: Parts, folder: Path) -> ImagePart:
    """The part as it is in the artifact."""
    model = SimilarityModel.from_parts(parts)

    def evaluate(vectors: Sequence[np.ndarray]) -> list[list[Any]]:
        """As `NearestReferences`, of vectors that are there."""
        return [list(one) for one in model.nearest(np.stack(vectors))] if vectors else [[], []]

    return ImagePart(SimilarityPredictor(model, evaluate))
