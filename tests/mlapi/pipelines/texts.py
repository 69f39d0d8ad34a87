"""Texts with labels, made up, and models of them."""

import random

import numpy as np

from mlapi.domain import TargetSpec
from mlapi.inputs import TextInput
from mlapi.pipelines.classification import calibration
from mlapi.pipelines.classification.model import Classifier, TrainedTarget
from mlapi.pipelines.text_classification import model as text_model

WORDS = {
    "fruit": ("apple", "pear", "plum", "cherry", "grape", "melon", "orchard", "juice", "peel"),
    "sky": ("cloud", "star", "moon", "sun", "rain", "wind", "storm", "horizon", "thunder"),
    "city": ("street", "tram", "tower", "bridge", "square", "market", "station", "lamp", "roof"),
}
FILLER = ("the", "a", "of", "and", "with", "under", "over", "near", "some", "very", "small", "old")


def some_texts(n: int, *, labels=tuple(WORDS), noise: float = 0.1, seed: int = 0):
    """(texts, labels): each text mostly of its label's words, `noise` of the labels wrong."""
    rng = random.Random(seed)
    topics = list(WORDS)
    texts, answers = [], []
    for i in range(n):
        k = i % len(labels)
        words = rng.choices(WORDS[topics[k % len(topics)]], k=3) + rng.choices(FILLER, k=4)
        rng.shuffle(words)
        texts.append(" ".join(words) + f" {i}")
        answers.append(rng.choice(labels) if rng.random() < noise else labels[k])
    return texts, answers


def target_spec(
    name="topic", kind="choice", labels=tuple(WORDS), tag="Text", field="text", **other
):
    return TargetSpec(name, "text", tag, field, kind, tuple(labels), **other)


def text_classifier(targets: int = 1, n: int = 90) -> Classifier:
    """A small fitted model; its targets are called topic, topic_2, ..."""
    texts, answers = some_texts(n)
    labels = tuple(WORDS)
    truth = np.array([labels.index(label) for label in answers])
    made = []
    for i in range(targets):
        estimator = text_model.WORD.fit(texts, truth, len(labels), "single")
        fitted = calibration.fit(estimator.scores(texts), truth, "single")
        spec = target_spec("topic" if i == 0 else f"topic_{i + 1}")
        made.append(TrainedTarget(spec, estimator, fitted))
    return Classifier("text_classification", TextInput(), made)
