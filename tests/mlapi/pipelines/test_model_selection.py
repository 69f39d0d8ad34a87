"""Model selection: who takes part, what it costs, and what follows where a candidate fails."""

import numpy as np
import pandas as pd
import pytest

from mlapi.eva.execute import StatementFailed
from mlapi.pipelines.classification import automl as automls
from mlapi.pipelines.classification import model_selection
from mlapi.pipelines.classification.automl import AUTOML, AutoML
from mlapi.pipelines.classification.candidates import Candidate
from mlapi.pipelines.classification.dataset import Columns, folds
from mlapi.pipelines.classification.examples import read_examples
from mlapi.pipelines.classification.model_selection import select_model
from mlapi.pipelines.text_classification import features
from mlapi.pipelines.text_classification import model as text_model
from mlapi.pipelines.text_classification.model import TextModality
from tests.mlapi.pipelines.texts import WORDS, some_texts, target_spec


@pytest.fixture
def examples():
    texts, labels = some_texts(220)
    frame = pd.DataFrame({"input": texts, "label": labels, "fold": folds(labels, 0)})
    return read_examples(TextModality(), target_spec(), frame)


class Winner:
    """An AutoML that knows all the answers, and cannot be fitted a second time."""

    columns = Columns("text", "label", "fold")

    def __init__(self, examples):
        self.examples = examples

    def fit(self, name, texts, where, seconds):
        if name != "scored":
            raise StatementFailed("no more memory")
        return self

    def scores(self, texts):
        return np.log(self.examples.truth[self.examples.fold == 0] * 0.9 + 0.01)

    def predict(self, name, where):
        labels = self.examples.labels[self.examples.fold == 0]
        return pd.DataFrame({"label": [tuple(WORDS)[i] for i in labels]})


def test_a_winner_that_cannot_be_refitted_leaves_the_place_to_the_next(examples):
    selection = select_model(examples, Winner(examples), "", automl_seconds=60)

    assert selection.candidate in {r.name for r in TextModality.candidates}
    (row,) = [c for c in selection.candidates if c.name == AUTOML]
    assert (row.score, row.won) == (1.0, False)
    assert row.note == "Failed when it was refitted: no more memory"
    assert [c.name for c in selection.candidates if c.won] == [selection.candidate]


def test_automl_is_left_out_where_its_features_would_take_all_its_time(examples):
    selection = select_model(examples, Winner(examples), "", automl_seconds=0.001)

    assert selection.candidates[-1].score is None
    assert selection.candidates[-1].note.startswith("Left out: its features would take")


def test_a_candidate_that_would_take_minutes_is_left_out_with_the_reason(examples, monkeypatch):
    monkeypatch.setattr(features, "_MOST_WORK", 1_000)

    selection = select_model(examples, Winner(examples), "", automl_seconds=60)

    assert selection.candidate == text_model.WORD.name
    notes = [c.note for c in selection.candidates]
    assert notes[1] == "Left out: it would take minutes for each fit."
    assert notes[2] == "Left out: it would take minutes for each fit."
    assert notes[-1] == "Left out: its features would take minutes."


def test_a_candidate_that_lost_lately_is_not_fitted(examples):
    lost = [text_model.WORD.name]
    selection = select_model(examples, None, "off", 0, left_out=lost)

    assert selection.candidate == text_model.WORD_CHAR.name
    assert (selection.candidates[0].score, selection.candidates[0].n) == (None, 0)
    assert "lost clearly" in selection.candidates[0].note


def test_one_that_lost_lately_is_fitted_where_no_other_can_be(examples, monkeypatch):
    monkeypatch.setattr(features, "_MOST_WORK", 1_000)  # the characters take too long
    selection = select_model(examples, None, "off", 0, left_out=[text_model.WORD.name])

    assert selection.candidate == text_model.WORD.name


@pytest.mark.parametrize(("enough", "fits"), [(44, 4), (45, 9)])
def test_with_enough_scores_no_other_fold_is_fitted(examples, monkeypatch, enough, fits):
    fitted = []
    fit = text_model.LinearCandidate.fit

    def count(*arguments):
        fitted.append(1)
        return fit(*arguments)

    monkeypatch.setattr(text_model.LinearCandidate, "fit", count)
    monkeypatch.setattr(model_selection, "MOST_CROSS_VALIDATED", 219)
    monkeypatch.setattr(model_selection, "MIN_UNSEEN", enough)

    trained = select_model(examples, None, "", 0).trained

    assert len(fitted) == fits
    assert 0.4 < trained.probabilities(examples.inputs).max(axis=1).mean() < 0.99


@pytest.mark.parametrize(("most", "n"), [(219, 44), (220, 220)])
def test_up_to_a_number_of_examples_all_of_them_are_scored(examples, monkeypatch, most, n):
    monkeypatch.setattr(model_selection, "MOST_CROSS_VALIDATED", most)

    candidates = select_model(examples, None, "off", 0).candidates

    assert {c.n for c in candidates if c.score is not None} == {n}


def test_beside_automl_all_are_scored_on_its_fold(examples):
    candidates = select_model(examples, Winner(examples), "", automl_seconds=60).candidates

    assert {c.n for c in candidates if c.score is not None} == {44}


class Fixed(Candidate):
    """Predicts the examples in a range as they are labelled, and the others as the next label."""

    def __init__(self, name, examples, right):
        self.name, self.examples, self.right = name, examples, right

    def fit(self, inputs, labels, n_labels, shape):
        return self

    def scores(self, inputs):
        examples = self.examples
        places = np.array([examples.inputs.index(one) for one in inputs])
        wrong = ~np.isin(places, self.right)
        return np.eye(3)[(examples.labels[places] + wrong) % 3]


@pytest.mark.parametrize(
    ("count", "right", "chosen"),
    [(60, 43, "preferred"), (60, 58, "other"), (80, 57, "preferred"), (81, 57, "other")],
)
def test_where_all_examples_are_scored_the_preferred_loses_only_to_one_clearly_better(
    monkeypatch, count, right, chosen
):
    texts = [f"text {i}" for i in range(count)]
    labels = [tuple(WORDS)[i % 3] for i in range(count)]
    frame = pd.DataFrame({"input": texts, "label": labels, "fold": folds(labels, 0)})
    examples = read_examples(TextModality(), target_spec(), frame)
    preferred = Fixed("preferred", examples, range(count // 3, count))
    other = Fixed("other", examples, range(right))
    examples.modality.candidates = (preferred, other)
    monkeypatch.setattr(model_selection, "AUTOML_MIN_EXAMPLES", 0)
    monkeypatch.setattr(model_selection, "MOST_CROSS_VALIDATED", 80)
    monkeypatch.setattr(examples.modality, "preferred_for", lambda inputs: preferred)

    selection = select_model(examples, None, "off", 0)

    assert selection.candidate == chosen
    notes = {c.name: c.note for c in selection.candidates}
    expected = "5-fold; preferred, as no other is clearly better" if chosen == "preferred" else ""
    assert notes["preferred"].endswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("a dog", "beside"), ("いぬ", text_model.SHORT_CHAR.name)]
)
def test_the_preferred_candidate_depends_on_the_script(text, expected):
    beside = Fixed("beside", None, range(0))
    modality = TextModality(sentence=[beside], preferred=beside)

    assert modality.preferred_for([text]).name == expected
    assert TextModality().preferred_for([text]) is None


def test_the_predictions_of_automl_are_in_the_order_of_ids(monkeypatch):
    rows = pd.DataFrame({"p1.id": [3, 1, 2], "say": ["c", "a", "b"]})
    monkeypatch.setattr(automls, "execute", lambda eva, sql: rows)
    automl = AutoML(None, TextModality(), "p1", Winner.columns, "p1_automl", ("a", "b", "c"), 0)

    assert automl.predict("scored", "fold = 0")["label"].tolist() == ["a", "b", "c"]
