"""The way of a version through the holdout, and of the champion beside it."""

import json

import pytest

from mlapi.domain import Stored
from mlapi.eva.execute import StatementFailed
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget, compare
from mlapi.evaluation.evaluate import Holdout, Version, evaluate, load_champion
from mlapi.run_folder.job import Champion, TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import MetricRow, OutcomeRow

HASH = "0" * 64


class Constants(Holdout[str, str]):
    """Three tasks labelled "a"; a model is the label that it always predicts."""

    primary_metric = "accuracy"

    def predict(self, version):
        if version.model == "broken":
            raise StatementFailed("no space left on device")
        return None if version.model == "other control" else version.model

    def metrics(self, predictions):
        return [MetricRow("primary", float(predictions == "a"), 3)]

    def outcomes(self, predictions):
        right = predictions == "a"
        return [
            OutcomeRow(task, "topic", predictions, 1.0, "a", right, ["a"], [predictions])
            for task in (1, 2, 3)
        ]

    def paired(self, candidate, champion):
        values = [[found] * 3 for found in (candidate, champion)]
        target = PairedTarget.of("topic", "choice", [1, 2, 3], ["a"] * 3, *values)
        return PairedHoldout([target], champion is not None)


def version(folder, model):
    """The new one, as the model that it is."""
    return Version(2, Stored(folder / "artifact.bin", HASH), model)


@pytest.fixture
def evaluated(tmp_path):
    """`evaluated(champion's model, ...)`: the evaluation of "a", and what the log says."""

    def run(model=None, pipeline="constants", load=lambda path, sha256: path.rsplit("/")[-1]):
        stored = Stored(tmp_path / str(model), HASH)
        champion = Champion("v1-abcdef", 1, pipeline, stored) if model else None
        job = TrainingJob(tmp_path, 9, 1, 2, "constants", (), champion=champion)
        progress = ProgressWriter(tmp_path)
        found = evaluate(
            Constants(), job, version(tmp_path, "a"), load_champion(job, load, progress), progress
        )
        lines = [json.loads(line) for line in progress.path.read_text().splitlines()]
        return found, " ".join(line.get("log", "") for line in lines)

    return run


def test_without_a_champion_there_is_nothing_to_compare(evaluated):
    found, _ = evaluated()

    assert found.paired is None
    assert found.metrics == [MetricRow("primary", 1.0, 3)]
    assert [o.task for o in found.outcomes] == [1, 2, 3]
    assert (found.exemplars, found.primary_metric) == ([], "accuracy")


def test_the_champion_is_loaded_once_and_predicts_the_same_holdout(evaluated):
    loaded = []

    def load(path, sha256):
        loaded.append((path, sha256))
        return "b"

    found, _ = evaluated("b", load=load)

    ((path, sha256),) = loaded
    assert (path.rsplit("/")[-1], sha256) == ("b", HASH)
    compared = compare([found.paired], 0)
    assert (compared.candidate, compared.champion) == (1, 0)
    assert found.paired.champion_serves


def test_a_champion_that_serves_nothing_of_today_is_compared_without_predictions(evaluated):
    found, _ = evaluated("other control")

    assert not found.paired.champion_serves


def test_a_champion_of_another_pipeline_is_not_loaded(evaluated):
    def load(path, sha256):
        raise AssertionError("it was loaded")

    found, log = evaluated("b", pipeline="other", load=load)

    assert not found.paired.champion_serves
    assert log == ""


def test_a_champion_that_does_not_load_serves_nothing_and_is_logged(evaluated):
    def load(path, sha256):
        raise ValueError("not an artifact")

    found, log = evaluated("b", load=load)

    assert not found.paired.champion_serves
    assert "The champion v1-abcdef does not load: not an artifact" in log


def test_a_champion_on_which_evadb_fails_is_not_compared(evaluated):
    """A comparison that says so would promote the new version."""
    found, log = evaluated("broken")

    assert found.paired is None
    assert found.metrics
    assert "The champion v1-abcdef could not be evaluated" in log


def test_a_new_version_on_which_evadb_fails_is_no_version(tmp_path):
    job = TrainingJob(tmp_path, 9, 1, 2, "constants", ())

    with pytest.raises(StatementFailed):
        evaluate(Constants(), job, version(tmp_path, "broken"), None, ProgressWriter(tmp_path))
