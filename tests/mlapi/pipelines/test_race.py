"""The race: who takes part, what it costs, and who wins when a candidate fails."""

import numpy as np
import pandas as pd
import pytest

from mlapi.eva.execute import StatementFailed
from mlapi.pipelines.classification import automl as automls
from mlapi.pipelines.classification import race as races
from mlapi.pipelines.classification.automl import AUTOML, AutoML
from mlapi.pipelines.classification.dataset import Columns, folds
from mlapi.pipelines.classification.race import race
from mlapi.pipelines.text_classification import model as text_model
from mlapi.pipelines.text_classification.model import TextModality
from tests.mlapi.pipelines.texts import WORDS, a_spec, some_texts


@pytest.fixture
def given():
    texts, said = some_texts(220)
    frame = pd.DataFrame({"input": texts, "label": said, "fold": folds(said, 0)})
    return races.examples(TextModality(), a_spec(), frame)


class Winner:
    """An AutoML that knows all the answers, and cannot be fitted a second time."""

    columns = Columns("text", "label", "fold")

    def __init__(self, given):
        self.given = given

    def fit(self, name, texts, where, seconds):
        if name != "race":
            raise StatementFailed("no more memory")
        return self

    def scores(self, texts):
        return np.log(self.given.truth[self.given.fold == 0] * 0.9 + 0.01)

    def predict(self, name, where):
        said = self.given.wanted[self.given.fold == 0]
        return pd.DataFrame({"label": [tuple(WORDS)[i] for i in said]})


def test_a_winner_that_cannot_be_refitted_leaves_the_place_to_the_next(given):
    raced = race(given, Winner(given), "", automl_seconds=60)

    assert raced.recipe in {r.name for r in TextModality.recipes}
    (told,) = [c for c in raced.candidates if c.name == AUTOML]
    assert (told.score, told.won) == (1.0, False)
    assert told.note == "Failed when it was refitted: no more memory"
    assert [c.name for c in raced.candidates if c.won] == [raced.recipe]


def test_automl_is_left_out_where_its_features_would_take_all_its_time(given):
    raced = race(given, Winner(given), "", automl_seconds=0.001)

    assert raced.candidates[-1].score is None
    assert raced.candidates[-1].note.startswith("Left out: its features would take")


def test_a_recipe_that_would_take_minutes_is_left_out_and_told(given, monkeypatch):
    monkeypatch.setattr(text_model, "_MOST_WORK", 1_000)

    raced = race(given, Winner(given), "", automl_seconds=60)

    assert raced.recipe == text_model.WORD.name
    notes = [c.note for c in raced.candidates]
    assert notes[1] == "Left out: it would take minutes for each fit."
    assert notes[2] == "Left out: its features would take minutes."


@pytest.mark.parametrize(("enough", "fits"), [(44, 3), (45, 8)])
def test_where_the_race_has_scores_enough_no_other_fold_is_fitted(given, monkeypatch, enough, fits):
    fitted = []
    fit = text_model.LinearRecipe.fit
    monkeypatch.setattr(text_model.LinearRecipe, "fit", lambda *a: (fitted.append(1), fit(*a))[1])
    monkeypatch.setattr(races, "ENOUGH", enough)

    trained = race(given, None, "", 0).trained

    assert len(fitted) == fits
    assert 0.4 < trained.probabilities(given.inputs).max(axis=1).mean() < 0.99


def test_what_automl_says_is_in_the_order_of_ids(monkeypatch):
    rows = pd.DataFrame({"p1.id": [3, 1, 2], "say": ["c", "a", "b"]})
    monkeypatch.setattr(automls, "execute", lambda eva, sql: rows)
    automl = AutoML(None, TextModality(), "p1", Winner.columns, "p1_automl", ("a", "b", "c"), 0)

    assert automl.predict("race", "fold = 0")["label"].tolist() == ["a", "b", "c"]
