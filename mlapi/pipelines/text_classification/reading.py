"""Reads the model of a text classification version from the parts of its artifact."""

from mlapi.inputs import TextInput
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.model import TextColumns, TextVectors
from mlapi.pipelines.text_classification.sentence_vectors import (
    SentenceVectors,
    TextAndSentenceVectors,
)

PIPELINE = "text_classification"
_KINDS = (TextVectors, TextColumns, SentenceVectors, TextAndSentenceVectors)


def read_model(parts: Parts) -> Classifier:
    """Raises ArtifactInvalid, and TrainingFailed as `SentenceVectors.from_parts` does."""
    known = {kind.kind: kind for kind in _KINDS}
    return Classifier.from_parts(PIPELINE, TextInput(), parts, known)
