"""Runs with the real child: EvaDB trains, evaluates and loads."""

from collections import Counter

import pytest

from mlapi.mirror import apply_changes
from mlapi.training.load_check import loads_in_a_fresh_process
from mlapi.training.run import Programs, carry_out
from registry import artifacts
from registry.actions import label_renames, run_starts
from registry.error_codes import INPUT_HINTS
from registry.models import Project, Task, TrainingRun
from tests.mlapi.image_projects import WITHOUT_CURVE
from tests.mlapi.labelstudio.webhooks import annotation

from .projects import label, labelled_project

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("forked_trainings"),
]


def trained(project: Project, programs: Programs = WITHOUT_CURVE) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    return carry_out(run.pk, "worker@test", programs=programs)


def test_sixty_labelled_texts_become_a_champion_with_its_metrics():
    project = labelled_project({"Positive": 35, "Negative": 25})
    run = trained(project, Programs())
    assert (run.state, run.error) == ("succeeded", "")
    project.refresh_from_db()
    version = run.version
    assert project.champion == version
    assert version.label.startswith("v1-")
    numbers = {m.name: m for m in version.metrics.filter(label="", split="holdout")}
    assert {"primary", "accuracy", "macro_f1", "weighted_f1", "ece", "log_loss"} <= set(numbers)
    assert numbers["accuracy"].value > numbers["baseline_accuracy"].value
    assert numbers["learning_curve"].n == run.dataset_counts["holdout"]
    sources = Counter(version.outcomes.values_list("source", flat=True))
    counts = run.dataset_counts
    assert sources == {"holdout": counts["holdout"], "out_of_fold": counts["train"]}
    assert min(sources.values()) > 0
    sql = " ".join(statement["sql"] for statement in run.statements)
    assert "CREATE FUNCTION" in sql
    assert "_holdout" in sql
    assert [c["name"] for c in run.candidates if c["won"]] == [version.recipe]
    assert any("AutoML" in c["note"] or "Left out" in c["note"] for c in run.candidates)

    label(project, {"Positive": 20, "Negative": 20}, first_id=1000)
    second = trained(project)
    assert (second.state, second.error) == ("succeeded", "")
    assert second.version.number == 2
    assert second.comparison["champion_label"] == version.label
    assert second.comparison["n_out_of_fold"] == run.dataset_counts["train"]
    both = second.comparison["n"] - second.comparison["n_out_of_fold"]
    assert both == second.dataset_counts["holdout"]
    assert second.comparison["champion_serves"] is True


def test_a_renamed_label_is_learned_from_all_of_its_annotations():
    """The first version learned the old name, the second learns the new one."""
    project = labelled_project({"Positive": 35, "Negative": 25})
    first = trained(project).version
    for task in project.tasks.all():
        put_annotation(project, task)
    config = project.label_config.replace('"Positive"', '"Good"')
    apply_changes.refresh_config(project, config)
    splits = dict(project.tasks.values_list("pk", "split"))

    label_renames.rename(project, "label: Positive -> Good", actor="tester")
    run = trained(project)

    assert (run.state, run.error) == ("succeeded", "")
    counts = run.dataset_counts["targets"]["label"]["classes"]
    assert counts["train"]["Good"] + counts["holdout"]["Good"] == 35
    assert run.comparison["champion_label"] == first.label
    assert run.comparison["champion_serves"]
    assert run.comparison["champion"] > 0.8
    assert set(run.version.targets.get().labels) == {"Good", "Negative"}
    assert set(first.targets.get().labels) == {"Positive", "Negative"}
    assert dict(project.tasks.values_list("pk", "split")) == splits


def put_annotation(project: Project, task: Task) -> None:
    """Annotate the task as its label says, as Label Studio's export has it."""
    result = annotation(task.labelstudio_id, task.labelstudio_id, task.labels["label"])
    whole = {"id": task.labelstudio_id, "data": task.data, "annotations": [result]}
    apply_changes.put_whole_tasks(project, [whole])


def test_one_class_only_is_a_clear_error():
    run = trained(labelled_project({"Positive": 30}))
    assert run.state == "failed"
    assert run.error_code not in {"", "unexpected", "child_crashed", "training_error"}
    assert run.hint


def test_a_run_has_the_reasons_of_what_cannot_be_read():
    project = labelled_project({"Positive": 30, "Negative": 30})
    for odd in Task.objects.filter(project=project)[:4]:
        Task.objects.filter(pk=odd.pk).update(data={"text": {"not": "text"}})
    run = trained(project)
    assert run.dataset_counts["unreadable"] == [
        {"code": "not_text", "tasks": 4, "hint": INPUT_HINTS["not_text"]}
    ]


def test_a_stored_version_is_loaded_in_a_fresh_process():
    project = labelled_project({"Positive": 35, "Negative": 25})
    version = trained(project).version
    assert loads_in_a_fresh_process(version)
    path = artifacts.fetch(version)
    path.chmod(0o600)
    path.write_bytes(b"not what was stored")
    assert not loads_in_a_fresh_process(version)
