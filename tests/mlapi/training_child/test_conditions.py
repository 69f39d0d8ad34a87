"""Controls that others show, evaluated as they are served."""

from mlapi.domain import Condition
from mlapi.run_folder.job import TrainingJob
from mlapi.training.child import carry_out
from tests.mlapi.training_child.conftest import champion_of, target, task

ANIMAL = [{"controls": ["kind"], "labels": ["animal"], "negated": False}]
TARGETS = [
    target("kind", labels=("plant", "animal")),
    target("which", labels=("cat", "dog"), conditions=ANIMAL),
]
TEXTS = ("a rose in bloom", "a cat that purrs", "a tulip in bloom", "a dog that barks")


def rows(n: int, odd: int = 0) -> list[dict]:
    """Tasks of plants and animals; those of the first `odd` holdout tasks read like plants."""
    found = []
    for i in range(n):
        text, split = TEXTS[i % 4], "holdout" if i % 5 == 0 else "train"
        labels = {"kind": "animal" if i % 2 else "plant"}
        if i % 2:
            labels["which"] = "cat" if i % 4 == 1 else "dog"
        if split == "holdout" and i % 2 and odd:
            odd -= 1
            text = TEXTS[0]
        found.append(task(i, f"{text} {i}", labels, split))
    return found


def test_a_hidden_control_has_no_part_in_metrics_outcomes_and_the_comparison(make_job):
    job = make_job(rows(120, odd=4), TARGETS)
    result = job.train()

    shown = [o for o in result["outcomes"] if o["target"] == "which"]
    assert {o["target"]: o["predicted"] for o in result["outcomes"] if o["task"] == 5} == {
        "kind": "plant"
    }
    assert len(shown) == 8  # of 12 animals in the holdout four are taken for plants
    assert {m["n"] for m in result["metrics"] if m["target"] == "which" and not m["label"]} == {8}
    assert job.metric("macro_f1", "which") == 1
    assert job.metric("accuracy", "kind") == 20 / 24


def test_what_one_of_two_versions_hides_is_compared_for_neither(make_job):
    first = make_job(rows(120), TARGETS)
    first.train()
    job = make_job(rows(120, odd=4), TARGETS, champion=champion_of(first))
    comparison = job.train()["comparison"]
    assert comparison["targets"]["which"]["n"] == 8
    assert comparison["targets"]["kind"]["n"] == 24
    assert comparison["difference"] == 0


def test_the_learning_curve_has_no_task_that_the_version_hides(make_job):
    job = make_job(rows(120, odd=4), TARGETS)
    job.train()
    assert carry_out(job.folder, curve=True) == 0
    points = [p for p in job.read("curve.json")["metrics"] if p["target"] == "which"]
    assert {p["n"] for p in points} == {8}
    assert points[-1]["value"] == job.metric("macro_f1", "which")


def test_the_conditions_of_a_target_reach_the_child(make_job):
    job = TrainingJob.read_all(make_job(rows(20), TARGETS).folder)[0]
    assert job.targets[1].conditions == (Condition(("kind",), ("animal",), False),)
