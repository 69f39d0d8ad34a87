"""A small real model in a real artifact: words that say Positive, words that say Negative."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlapi.pipelines.base import TargetSpec
from mlapi.pipelines.text_classification.calibration import Temperature
from mlapi.pipelines.text_classification.linear import WORD, fit
from mlapi.pipelines.text_classification.model import TextModel, TrainedTarget

TEXTS = ["good fine", "good great", "fine great", "bad awful", "bad poor", "awful poor"]


@lru_cache
def artifact(temperature: float = 0.5, labels: tuple[str, str] = ("Positive", "Negative")) -> bytes:
    """A pickled TextModel for the control `label` on the field `text`."""
    spec = TargetSpec("label", "text", "Text", "text", "single", labels)
    estimator = fit(WORD, TEXTS, np.array([0, 0, 0, 1, 1, 1]), 2, "single")
    model = TextModel([TrainedTarget(spec, estimator, Temperature(temperature))])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "artifact.bin"
        model.save(path)
        return path.read_bytes()
