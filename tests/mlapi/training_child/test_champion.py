"""Champion and candidate, evaluated on the same holdout as they would be served today."""

import pytest

from mlapi.domain import Stored
from mlapi.eva.execute import StatementFailed, execute
from mlapi.evaluation import evaluate
from registry.verified import sha256_of
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import champion_of, target, task, tasks


@pytest.fixture
def trained(make_job):
    """A version of 40 texts."""
    job = make_job(tasks(*some_texts(40)), [target()])
    job.train()
    return job


def test_both_are_evaluated_on_the_same_tasks(make_job, trained):
    job = make_job(tasks(*some_texts(300, seed=1)), [target()], champion=champion_of(trained))

    comparison = job.train()["comparison"]

    assert comparison["metric"] == "macro_f1"
    assert comparison["n"] == 60
    assert comparison["champion_serves"]
    assert comparison["excluded"] == 0
    assert comparison["candidate"] == pytest.approx(job.metric("primary", ""))
    assert 0 < comparison["champion"] < 1
    gain = comparison["candidate"] - comparison["champion"]
    assert comparison["difference"] == pytest.approx(gain)
    low, high = comparison["interval"]
    assert low <= comparison["difference"] <= high
    assert comparison["targets"]["topic"]["n"] == 60
    functions = [s for s in job.statements if " p90_v1 " in s or " p90_v1(" in s]
    assert functions[0].startswith("CREATE FUNCTION p90_v1 IMPL")
    assert functions[1].startswith("SELECT id, p90_v1(text) FROM p90_r")


def test_a_version_beside_itself_differs_by_nothing(make_job, trained):
    job = make_job(tasks(*some_texts(40)), [target()], champion=champion_of(trained))

    comparison = job.train()["comparison"]

    assert comparison["difference"] == 0
    assert comparison["interval"] == [0, 0]


def test_what_the_config_no_longer_allows_is_wrong_or_left_out(make_job, trained):
    """`city` was renamed to `town`; ten tasks still carry the old name."""
    texts, answers = some_texts(200, seed=2, noise=0)
    renamed = ["town" if label == "city" else label for label in answers]
    rows = tasks(texts, renamed)
    old = [task(1000 + i, f"tram {i}", {"topic": "city"}, "holdout") for i in range(10)]
    job = make_job(
        rows + old, [target(labels=("fruit", "sky", "town"))], champion=champion_of(trained)
    )

    result = job.train()
    comparison = result["comparison"]

    assert comparison["excluded"] == 10
    assert comparison["n"] == 40
    assert comparison["champion_serves"]
    assert comparison["candidate"] > 0.9
    # Two of three labels at best, for a champion that cannot say the third.
    assert comparison["champion"] < 0.7
    assert not {o["task"] for o in result["outcomes"]} & set(range(1000, 1010))


def test_the_champion_reads_where_todays_config_says_the_text_is(make_job, trained):
    rows = tasks(*some_texts(60, seed=3))
    for row in rows:
        row["data"] = {"body": f"<p>{row['data']['text']}</p>"}
    moved = target(object_tag="HyperText", field="body", object_name="page")
    job = make_job(rows, [moved], champion=champion_of(trained))

    comparison = job.train()["comparison"]

    assert comparison["champion_serves"]
    assert comparison["champion"] > 0.5


@pytest.mark.parametrize(
    "today", [target("another"), target(labels=("red", "blue", "green"))], ids=["name", "labels"]
)
def test_a_champion_that_serves_nothing_of_the_config_is_reported(make_job, trained, today):
    texts, answers = some_texts(60, labels=today["labels"])
    job = make_job(tasks(texts, answers, today["name"]), [today], champion=champion_of(trained))

    comparison = job.train()["comparison"]

    assert not comparison["champion_serves"]
    assert comparison["champion"] == 0


def test_a_champion_is_compared_by_todays_names_of_its_labels(make_job, trained):
    texts, answers = some_texts(150, noise=0)
    rows = tasks(texts, ["moon" if label == "sky" else label for label in answers])
    names = {"topic": {"sky": "moon"}}
    today = target(labels=("fruit", "moon", "city"))
    job = make_job(rows, [today], champion=champion_of(trained, names=names))

    comparison = job.train()["comparison"]

    assert comparison["champion"] > 0.9
    assert comparison["champion"] == pytest.approx(comparison["candidate"], abs=0.1)


def test_a_target_that_the_champion_never_learned_counts_as_wrong_for_it(make_job, trained):
    texts, answers = some_texts(60, seed=4)
    rows = tasks(texts, answers)
    for row in rows:
        row["labels"]["mood"] = "up" if row["id"] % 2 else "down"
        row["data"]["text"] += " cheerful" if row["id"] % 2 else " gloomy"
    targets = [target(), target("mood", labels=("up", "down"))]
    job = make_job(rows, targets, champion=champion_of(trained))

    comparison = job.train()["comparison"]

    assert comparison["targets"]["mood"]["champion"] == 0
    assert comparison["champion"] == pytest.approx(comparison["targets"]["topic"]["champion"] / 2)


def test_a_champion_that_cannot_be_loaded_is_no_obstacle(make_job, trained, tmp_path):
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"not a model")
    champion = champion_of(trained, artifact=Stored(broken, sha256_of(broken)))
    job = make_job(tasks(*some_texts(60)), [target()], champion=champion)

    result = job.train()

    assert not result["comparison"]["champion_serves"]
    assert any("does not load" in line.get("log", "") for line in job.progress)


def test_a_champion_that_could_not_be_evaluated_is_not_compared(make_job, trained, monkeypatch):
    """An empty comparison promotes nothing; one without an answer of the champion would."""

    def failing(eva, statement, bindings=None):
        if "p90_v1 " in statement:
            raise StatementFailed("no space left on device")
        return execute(eva, statement, bindings)

    monkeypatch.setattr(evaluate, "execute", failing)
    job = make_job(tasks(*some_texts(60)), [target()], champion=champion_of(trained))

    assert job.train()["comparison"] is None
    assert any("could not be evaluated" in line.get("log", "") for line in job.progress)
