"""Real texts in eight scripts are learned as well as a ridge on characters learns them.

The texts are LibreOffice's messages, the labels the modules that show them (`THIRD_PARTY.md`).
`benchmarks/script_quality.py` measures more sets and sizes.
"""

import gzip
import json
import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier

from mlapi.domain import TargetSpec
from mlapi.pipelines.classification.dataset import folds
from mlapi.pipelines.classification.examples import TargetExamples
from mlapi.pipelines.classification.model_selection import select_model
from mlapi.pipelines.text_classification.model import TextModality
from tests.evals_backend.running import ROOT

MESSAGES = ROOT / "tests/fixtures/scripts/messages.json.gz"
DAILY = ("hi", "th", "zh_CN")  # vowel signs, and no spaces between words
NIGHTLY = ("ar", "de", "ja", "ko", "ru")
LANGUAGES = (*DAILY, *NIGHTLY)
LABELLED, DRAWS = 300, 3
CHARACTERS = ((1, 2), (2, 4))  # in a row, of the ridges


@pytest.fixture(scope="module")
def messages():
    with gzip.open(MESSAGES) as file:
        return json.load(file)


def draws(rows):
    """Random draws from all rows: texts and labels to learn from, and others."""
    for seed in range(DRAWS):
        texts, labels = zip(*random.Random(seed).sample(rows, len(rows)), strict=True)
        yield texts[:LABELLED], labels[:LABELLED], texts[LABELLED:], np.array(labels[LABELLED:])


def by_selection(texts, labels, others):
    """The labels of the others by the model selection, without a sentence encoder."""
    names = tuple(sorted(set(labels)))
    spec = TargetSpec("module", "text", "Text", "text", "choice", names)
    numbers = np.array([names.index(label) for label in labels])
    examples = TargetExamples(TextModality(), spec, texts, numbers, folds(labels, 0))
    selected = select_model(examples, None, "", 0).trained
    return np.array(names)[selected.probabilities(others).argmax(axis=1)]


def by_ridge(texts, labels, others, characters):
    vectors = TfidfVectorizer(
        analyzer="char_wb", ngram_range=characters, sublinear_tf=True, dtype=np.float32
    )
    ridge = RidgeClassifier().fit(vectors.fit_transform(texts), labels)
    return ridge.predict(vectors.transform(others))


@pytest.mark.parametrize(
    "language", [*DAILY, *(pytest.param(one, marks=pytest.mark.nightly) for one in NIGHTLY)]
)
def test_texts_of_a_script_are_learned_as_well_as_by_a_ridge_on_characters(messages, language):
    selected, ridges = [], []
    for texts, labels, others, truth in draws(messages[language]):
        selected.append((by_selection(texts, labels, others) == truth).mean())
        found = [by_ridge(texts, labels, others, characters) for characters in CHARACTERS]
        ridges.append([(one == truth).mean() for one in found])

    best = np.mean(ridges, axis=0).max()
    assert best > 0.35  # of six modules: there is something to learn
    assert np.mean(selected) > best - 0.01
