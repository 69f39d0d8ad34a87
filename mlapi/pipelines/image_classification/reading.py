"""Reads the model of an image classification version from the parts of its artifact."""

from mlapi.inputs import ImageFeatures
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.image_classification.model import Kernel, VectorColumns, Vectors
from mlapi.pipelines.parts import Parts

PIPELINE = "image_classification"
_KINDS = (Vectors, Kernel, VectorColumns)


def read_model(parts: Parts) -> Classifier:
    """Raises ArtifactInvalid."""
    known = {kind.kind: kind for kind in _KINDS}
    return Classifier.from_parts(PIPELINE, ImageFeatures(), parts, known)
