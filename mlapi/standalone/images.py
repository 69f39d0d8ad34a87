"""The part of a version that classifies images."""

from pathlib import Path

from mlapi.pipelines.classification.predictor import ClassifierPredictor
from mlapi.pipelines.image_classification.model import read_model
from mlapi.pipelines.parts import Parts
from mlapi.standalone.direct import probabilities
from mlapi.standalone.image_files import ImagePart


def part(parts: Parts, folder: Path) -> ImagePart:
    """The part as it is in the artifact."""
    model = read_model(parts)
    return ImagePart(ClassifierPredictor(model, probabilities(model)))
