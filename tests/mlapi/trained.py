"""A small real model in a real artifact: words that say Positive, words that say Negative."""

from functools import lru_cache

import numpy as np

from mlapi.domain import TargetSpec
from mlapi.inputs import TextInput
from mlapi.pipelines.artifact import pack
from mlapi.pipelines.classification.calibration import Temperature
from mlapi.pipelines.classification.model import Classifier, TrainedTarget
from mlapi.pipelines.text_classification.model import WORD

TEXTS = ["good fine", "good great", "fine great", "bad awful", "bad poor", "awful poor"]


@lru_cache
def artifact(temperature: float = 0.5, labels: tuple[str, str] = ("Positive", "Negative")) -> bytes:
    """The artifact of a Classifier for the control `label` on the field `text`."""
    spec = TargetSpec("label", "text", "Text", "text", "choice", labels)
    estimator = WORD.fit(TEXTS, np.array([0, 0, 0, 1, 1, 1]), 2, "single")
    target = TrainedTarget(spec, estimator, Temperature(temperature))
    model = Classifier("text_classification", TextInput(), [target])
    return pack(model.pipeline, model.to_parts())
