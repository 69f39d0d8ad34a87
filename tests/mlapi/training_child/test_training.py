"""A training from its folder to its result."""

import random
import re

import pytest

from mlapi import pipelines
from mlapi.label_types import value_of
from mlapi.pipelines.classification import model_selection
from mlapi.training.child import carry_out
from registry.error_codes import CODES, INPUT_HINTS
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import target, task, tasks, with_automl

HOSTILE_LABELS = ("SELECT", 'it\'s "both", ok', "😀", "a;b -- c", "DROP TABLE x")


def test_a_run_ends_in_a_version_and_all_that_is_known_of_it(make_job):
    job = make_job(tasks(*some_texts(120)), [target()])

    result = job.train()

    assert result["recipe"] in [c["name"] for c in result["candidates"] if c["won"]]
    assert [c["won"] for c in result["candidates"]].count(True) == 1
    assert all(c["seconds"] >= 0 and c["n"] == 96 for c in result["candidates"][:2])
    (learned,) = result["targets"]
    assert learned["trained"]
    assert learned["labels"] == ["fruit", "sky", "city"]
    assert job.metric("accuracy") > 0.7 > job.metric("baseline_accuracy")
    assert job.metric("primary", target="") == job.metric("macro_f1")
    assert {o["task"] for o in result["outcomes"]} == set(range(0, 120, 5))
    correct = sum(o["correct"] for o in result["outcomes"])
    assert job.metric("accuracy") == pytest.approx(correct / 24)
    assert result["comparison"] is None
    assert result["environment"]["evadb"] == "0.3.9"
    assert not list(job.folder.glob("*.partial"))


def test_training_goes_through_evadb_and_reports_each_statement(make_job):
    job = make_job(tasks(*some_texts(60)), [target()], number=7)

    job.train()

    run = job.read("job.json")["run"]
    assert job.statements == [
        f"CREATE TABLE p90_r{run}_train (id INTEGER, text TEXT(0), label TEXT(0), fold INTEGER)",
        f"CREATE TABLE p90_r{run}_holdout (id INTEGER, text TEXT(0), label TEXT(0))",
        f"SELECT id, text, label, fold FROM p90_r{run}_train WHERE fold >= 0",
        "CREATE FUNCTION p90_v7 "
        "IMPL ':impl' MODEL_PATH ':artifact' SHA256 ':sha256' INPUTS ':inputs'",
        f"SELECT id, p90_v7(text) FROM p90_r{run}_holdout",
    ]
    progress = [line["progress"] for line in job.progress if "progress" in line]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_the_served_predictions_are_the_evaluated_ones(make_job):
    texts, answers = some_texts(120)
    job = make_job(tasks(texts, answers), [target()])
    outcomes = {o["task"]: o for o in job.train()["outcomes"]}

    predictor = pipelines.get("text_classification").load(job.artifact.read_bytes())
    served = predictor.predict([{"text": text} for text in texts])

    for number, outcome in outcomes.items():
        assert value_of(served[number]["topic"]) == outcome["predicted"]
        assert served[number]["topic"].score == pytest.approx(outcome["score"])


def test_the_same_data_and_seed_give_the_same_version_whatever_the_order(make_job):
    rows = tasks(*some_texts(250))
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    one, two = make_job(rows, [target()]), make_job(shuffled, [target()])

    first, second = one.train(), two.train()

    assert one.artifact.read_bytes() == two.artifact.read_bytes()
    assert first["outcomes"] == second["outcomes"]
    assert first["metrics"] == second["metrics"]


def test_another_process_makes_the_same_version(make_job):
    """Hashes of strings, and so the order of sets, differ from process to process."""
    here, there = [make_job(tasks(*some_texts(60)), [target()]) for _ in range(2)]

    here.train()
    done = there.start()

    assert done.returncode == 0, done.stderr
    assert here.artifact.read_bytes() == there.artifact.read_bytes()


def test_labels_may_be_anything_that_a_config_can_hold(make_job):
    texts, answers = some_texts(100, labels=HOSTILE_LABELS[:3], noise=0)
    job = make_job(tasks(texts, answers), [target(labels=HOSTILE_LABELS)])

    result = job.train()

    assert result["targets"][0]["labels"] == list(HOSTILE_LABELS[:3])
    assert {o["human"] for o in result["outcomes"]} <= set(HOSTILE_LABELS)
    assert job.metric("accuracy") > 0.8
    assert job.metric("support", label=HOSTILE_LABELS[1]) > 0


def test_texts_may_be_anything_that_a_task_can_hold(make_job):
    odd = [
        'it\'s "both" kinds',
        "nul \x00 and escape \x1b",
        "日本語 العربية",
        "lone \ud800 surrogate",
        "x" * 100_000,
        None,
        5,
        "",
        ["a"],
        {"b": 1},
    ]
    rows = tasks(*some_texts(60))
    for split in ("train", "holdout"):
        rows += [task(len(rows) + i, t, {"topic": "sky"}, split) for i, t in enumerate(odd)]
    job = make_job(rows, [target()])

    result = job.train()

    assert len(result["outcomes"]) == 12 + 7
    logged = [
        line["log"] for line in job.progress if "no text that can be read" in line.get("log", "")
    ]
    assert [line.split(".")[0] for line in logged] == [
        "2 tasks have no text that can be read: null",
        "2 tasks have no text that can be read: empty",
        "2 tasks have no text that can be read: not_text",
    ]
    assert all(len(line.split(". ", 1)[1]) > 10 for line in logged)  # the cure
    (counted,) = [line["unreadable"] for line in job.progress if "unreadable" in line]
    assert counted == {"null": 2, "empty": 2, "not_text": 2}


def test_labelled_tasks_that_cannot_be_read_have_the_cure_of_their_reason(make_job):
    rows = [task(i, {"a": i}, {"topic": ("sky", "fruit")[i % 2]}) for i in range(40)]
    error = make_job(rows, [target()]).fail()
    assert error["code"] == "not_enough_labels"
    assert "not_text 40" in error["message"]
    assert error["hint"] == INPUT_HINTS["not_text"]


def test_a_class_of_which_nothing_can_be_read_has_the_cure_of_its_reason(make_job):
    rows = [task(i, "the sky", {"topic": "sky"}) for i in range(20)]
    rows += [task(20 + i, None, {"topic": "fruit"}) for i in range(10)]
    error = make_job(rows, [target()]).fail()
    assert error["code"] == "one_class"
    assert "Training tasks of one class only" in error["message"]
    assert "null 10" in error["message"]
    assert error["hint"] == INPUT_HINTS["null"]


def test_without_a_label_one_task_that_cannot_be_read_is_not_the_cause(make_job):
    texts, _ = some_texts(20)
    rows = [task(i, text, {}) for i, text in enumerate(texts)]
    error = make_job([*rows, task(20, {"a": 1}, {}, "train")], [target()]).fail()
    assert error["message"].endswith("topic: No training task has a usable label.")
    assert error["hint"] == CODES["not_enough_labels"].hint


def test_several_controls_are_a_target_each(make_job):
    texts, answers = some_texts(150, noise=0)
    rows = []
    for i, (text, topic) in enumerate(zip(texts, answers, strict=True)):
        labels = {"topic": topic, "tags": sorted({topic, "even" if i % 2 else "odd"} - {"odd"})}
        if i < 4:
            labels["rare"] = "x"
        row = task(i, text, labels)
        row["data"]["page"] = f"<p>{text}</p><script>no</script>"
        rows.append(row)
    job = make_job(
        rows,
        [
            target(),
            target("tags", "choices", (*["fruit", "sky", "city", "even", "never"],)),
            target("page", labels=("fruit", "sky"), object_tag="HyperText", field="page"),
            target("rare", labels=("x", "y")),
        ],
    )

    result = job.train()

    trained = {t["name"]: t for t in result["targets"]}
    assert [t["trained"] for t in result["targets"]] == [True, True, False, False]
    assert "No training task" in trained["page"]["untrained_reason"]
    assert "the same" in trained["rare"]["untrained_reason"]
    assert trained["tags"]["labels"] == ["fruit", "sky", "city", "even"]
    assert job.metric("macro_f1", "topic") > 0.9
    assert job.metric("micro_f1", "tags") > 0.6
    assert job.metric("subset_accuracy", "tags") > job.metric("baseline_subset_accuracy", "tags")
    both = (job.metric("macro_f1", "topic") + job.metric("macro_f1", "tags")) / 2
    assert job.metric("primary", "") == pytest.approx(both)
    tags = next(o for o in result["outcomes"] if o["target"] == "tags")
    assert tags["human"] == sorted(tags["human"])
    select = next(s for s in job.statements if s.startswith("SELECT id, p90_v"))
    assert "(text)" in select  # the page of the untrained target is not read


def test_two_fields_are_two_arguments(make_job):
    texts, answers = some_texts(60, noise=0)
    rows = tasks(texts, answers)
    for row in rows:
        row["data"]["page"] = f"<b>{row['data']['text']}</b>"
        row["labels"]["kind"] = row["labels"]["topic"]
    job = make_job(rows, [target(), target("kind", object_tag="HyperText", field="page")])

    job.train()

    assert any("(text, text_2) FROM" in s for s in job.statements)
    assert job.metric("accuracy", "kind") > 0.7


@pytest.mark.parametrize(
    ("labels", "code"), [(["sky"] * 40, "one_class"), ([None] * 40, "not_enough_labels")]
)
def test_what_teaches_nothing_is_refused_with_a_hint(make_job, labels, code):
    texts, _ = some_texts(40)
    rows = [
        task(i, t, {"topic": label} if label else {})
        for i, (t, label) in enumerate(zip(texts, labels, strict=True))
    ]

    error = make_job(rows, [target()]).fail()

    assert error["code"] == code
    assert error["message"]
    assert error["hint"]


def test_two_texts_of_two_classes_are_enough_to_start(make_job):
    rows = [
        task(1, "an apple", {"topic": "fruit"}, "train"),
        task(2, "the moon", {"topic": "sky"}, "train"),
    ]
    job = make_job(rows, [target()])

    result = job.train()

    assert result["targets"][0]["trained"]
    assert result["outcomes"] == []
    assert job.metric("macro_f1") is None
    assert job.metric("primary", "") is None


def test_texts_in_both_splits_are_logged(make_job):
    rows = tasks(*some_texts(50))
    for row in rows:
        row["data"]["title"] = f"Title {row['id'] % 8}"
        row["labels"]["kind"] = "fruit" if row["id"] % 8 < 4 else "sky"
    job = make_job(rows, [target(), target("kind", labels=("fruit", "sky"), field="title")])

    job.train()

    warnings = [
        line["log"] for line in job.progress if "in training tasks too" in line.get("log", "")
    ]
    assert len(warnings) == 1
    assert warnings[0].startswith("kind: 10 texts of the holdout are in training tasks too")


def test_copies_of_a_text_make_no_answer_surer(make_job):
    """Out of its fold a text is scored by a model that was fitted on none of its copies."""
    rows = tasks(*some_texts(150, noise=0.6))
    train = [row for row in rows if row["split"] == "train"]
    copies = [{**row, "id": row["id"] + k * 1000} for row in train for k in (1, 2, 3)]
    once, often = make_job(rows, [target()]), make_job([*rows, *copies], [target()])
    for job in (once, often):
        job.train()

    sure = [
        sum(o["score"] for o in job.result["outcomes"]) / len(job.result["outcomes"])
        for job in (once, often)
    ]

    assert sure[1] == pytest.approx(sure[0], abs=0.15)


def test_model_selection_scores_one_fifth_where_there_are_enough_examples(make_job, monkeypatch):
    monkeypatch.setattr(model_selection, "MOST_CROSS_VALIDATED", 239)
    job = make_job(tasks(*some_texts(300)), [target()])

    linear = job.train()["candidates"][:2]

    assert [c["n"] for c in linear] == [48, 48]
    assert all(c["metric"] == "macro_f1" for c in linear)


def test_the_reason_for_no_automl_is_a_note(make_job):
    few = make_job(tasks(*some_texts(60)), [target()], automl=True, automl_note="")
    lost = make_job(tasks(*some_texts(60)), [target()], automl_note="It lost by 0.2 in run 3.")

    notes = [job.train()["candidates"][-1]["note"] for job in (few, lost)]

    assert notes == ["Left out under 200 examples.", "It lost by 0.2 in run 3."]


def test_automl_is_trained_for_real(make_job):
    texts, answers = some_texts(260, labels=HOSTILE_LABELS[:3])

    def job_of(seconds: float):
        return make_job(
            tasks(texts, answers),
            [target(labels=HOSTILE_LABELS[:3])],
            automl=True,
            automl_note="",
            time_budget_s=seconds,
        )

    job, result, budget_s = with_automl(job_of, 8)

    automl = result["candidates"][-1]
    assert automl["name"] == "EvaDB AutoML, XGBoost"
    assert automl["n"] == result["candidates"][0]["n"]
    assert 0.5 < automl["score"] <= 1
    assert automl["seconds"] > 1
    (create,) = [s for s in job.statements if "TYPE XGBoost" in s]
    # A quarter of the budget, without what the features take and FLAML's refit.
    limit = re.search(r"PREDICT 'label' TIME_LIMIT (.+) TASK 'classification' METRIC", create)
    assert 1 <= float(limit[1]) <= 0.2 * budget_s  # as it is rounded


@pytest.mark.nightly
def test_automl_can_win_and_then_serves(make_job, monkeypatch):
    monkeypatch.setattr("mlapi.pipelines.text_classification.model.TextModality.candidates", ())
    texts, answers = some_texts(260)
    job = make_job(tasks(texts, answers), [target()], automl=True, automl_note="", time_budget_s=8)

    result = job.train()

    assert result["recipe"] == "EvaDB AutoML, XGBoost"
    assert job.metric("accuracy") > 0.5
    predictor = pipelines.get("text_classification").load(job.artifact.read_bytes())
    served = predictor.predict([{"text": text} for text in texts])
    for outcome in result["outcomes"]:
        assert value_of(served[outcome["task"]]["topic"]) == outcome["predicted"]
    assert carry_out(job.folder, curve=True) == 0
    assert [p["step"] for p in job.read("curve.json")["metrics"]] == [52, 104, 156, 208]


def test_the_learning_curve_rises_with_the_data(make_job):
    job = make_job(tasks(*some_texts(200)), [target()])
    job.train()

    done = job.start("--curve")

    assert done.returncode == 0, done.stderr
    points = job.read("curve.json")["metrics"]
    assert [p["step"] for p in points] == [40, 80, 120, 160]
    assert {p["name"] for p in points} == {"learning_curve"}
    assert points[-1]["value"] == pytest.approx(job.metric("macro_f1"))
    assert points[0]["value"] < points[-1]["value"]
    assert all(p["n"] == 40 and p["split"] == "holdout" for p in points)


def test_the_learning_curve_of_sets_ends_at_what_the_version_reaches(make_job):
    texts, answers = some_texts(200, noise=0.5)
    sets = [
        sorted({label, other}) for label, other in zip(answers, [*answers[1:], "sky"], strict=True)
    ]
    job = make_job(tasks(texts, sets), [target(kind="choices")])
    job.train()

    assert carry_out(job.folder, curve=True) == 0

    points = job.read("curve.json")["metrics"]
    assert points[-1]["value"] == pytest.approx(job.metric("macro_f1"))
