"""What an EvaDB function of a version returns, of its model and without EvaDB."""

from collections.abc import Sequence
from typing import Any

from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.predictor import Evaluate


def probabilities(model: Classifier) -> Evaluate:
    """As `ClassifierFunction`: a column for each target in, probabilities out."""

    def evaluate(*columns: Sequence[Any]) -> list[list[Any]]:
        return [list(model.probabilities(columns, len(columns[0])))]

    return evaluate
