"""The part of a version that classifies texts."""

from collections.abc import Iterator
from pathlib import Path

from mlapi.pipelines.classification.predictor import ClassifierPredictor
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.model import read_model
from mlapi.standalone.direct import probabilities
from mlapi.standalone.model import ENCODER
from mlapi.texts import vectors
from mlapi.texts.encoders import loading
from mlapi.texts.refs import EncoderRef


def part(parts: Parts, folder: Path) -> ClassifierPredictor:
    """The part as it is in the artifact; its sentence encoder is in the folder."""
    for ref in dict.fromkeys(encoders(parts)):
        loading.load_from(folder / ENCODER, ref)
    vectors.make_by(vectors.by_encoder)
    model = read_model(parts)
    return ClassifierPredictor(model, probabilities(model))


def encoders(parts: Parts) -> Iterator[EncoderRef]:
    """The sentence encoder of each estimator that has one."""
    for target in parts.parts("targets"):
        features = target.part("estimator").optional("features")
        if features is not None and features.has("sentences"):
            features = features.part("sentences")
        if features is not None and features.has("encoder_name"):
            yield EncoderRef(features.text("encoder"), features.text("encoder_name"))
