"""A start beside a run that has read older labels: the next run is queued when that one ends."""

from dataclasses import replace

import pytest

from mlapi.training.run import carry_out
from registry.actions import events, run_starts, runs, workers
from registry.actions.operator import Caller, Via
from registry.actions.operator.train import Train
from registry.admin.run_page import head
from registry.models import AuditEntry, Event, Project, TrainingRun

from .projects import label, small_program, small_programs
from .runs import GENEROUS_LIMITS, queued_run

pytestmark = pytest.mark.django_db(transaction=True)
Trigger = TrainingRun.Trigger


def training(project: Project, *, frozen: bool = True) -> TrainingRun:
    """The project's run, which a worker has begun."""
    run = runs.claim(queued_run(project).pk, "worker@test")
    if frozen:
        runs.set_details(run, snapshot_at=run.started_at)
    return run


def click(project: Project, trigger: str = Trigger.START_TRAINING) -> TrainingRun:
    found, is_new = run_starts.start(project, trigger=trigger, actor="ada", reason="now")
    assert not is_new
    return found


def active(project: Project) -> list[TrainingRun]:
    return list(project.runs.filter(state__in=["queued", "running"]))


END = {
    "succeed": runs.succeed,
    "fail": lambda run: runs.fail(run, "unexpected", "It failed."),
}


@pytest.mark.parametrize("end", END)
def test_a_start_after_labels_changed_queues_the_next_run_once(project, end):
    run = training(project)
    label(project, {"Positive": 1}, first_id=1000)
    for _ in range(3):
        assert click(project, Trigger.ADMIN) == run
    assert active(project) == [run]
    END[end](run)
    (following,) = active(project)
    assert (following.trigger, following.actor) == ("admin", "ada")
    entry = AuditEntry.objects.get(verb="train", run=following)
    assert (entry.actor, entry.reason) == ("ada", "now")
    runs.succeed(runs.claim(following.pk, "worker@test"))
    assert active(project) == []


def test_without_a_changed_label_the_run_is_joined_only(project):
    run = training(project)
    click(project)
    runs.succeed(run)
    assert active(project) == []


def test_a_run_that_has_yet_to_read_the_labels_is_joined_only(project):
    run = queued_run(project)
    label(project, {"Positive": 1}, first_id=1000)
    click(project)
    runs.claim(run.pk, "worker@test")
    click(project)
    run.refresh_from_db()
    assert run.follow_up is None


def test_the_policy_leaves_no_request(project):
    run = training(project)
    label(project, {"Positive": 1}, first_id=1000)
    assert click(project, Trigger.POLICY).follow_up is None
    runs.succeed(run)
    assert active(project) == []


def test_an_event_that_waits_counts_until_it_turns_out_to_be_in_the_dataset(project):
    run = training(project, frozen=False)
    event = events.record(project, "ANNOTATION_CREATED", {})
    assert click(project).follow_up
    Event.objects.filter(pk=event.pk).update(status="applied")
    label(project, {"Positive": 1}, first_id=1000)
    project.refresh_from_db()
    runs.set_details(run, snapshot_at=project.labels_changed_at)
    runs.succeed(run)
    assert active(project) == []


def test_a_cancelled_run_takes_the_request_with_it(project):
    run = training(project)
    label(project, {"Positive": 1}, first_id=1000)
    click(project)
    runs.cancel(run.pk, actor="ada")
    runs.finish_cancel(run)
    assert active(project) == []


def test_the_retry_of_a_lost_run_is_the_next_run(project, monkeypatch):
    monkeypatch.setattr(workers, "_GONE_AFTER_S", 0)
    run = training(project)
    label(project, {"Positive": 1}, first_id=1000)
    click(project)
    workers.fail_lost_runs(lambda worker: True)
    (following,) = active(project)
    assert following.retry_of == run


def test_page_button_and_answer_say_that_another_run_follows(project):
    run = training(project)
    train = Train()
    assert train.unavailable(project).message == f"Run {run.pk} is running already."
    label(project, {"Positive": 1}, first_id=1000)
    assert train.unavailable(project) is None
    done = train.execute(project, {"reason": ""}, Caller("ada", Via.ADMIN))
    assert "another run is queued when it ends" in done.message
    assert "another run is queued when it ends" in train.unavailable(project).message
    run.refresh_from_db()
    assert "another run is queued when it ends" in head(run)["follow_up"]


def test_a_start_during_a_training_ends_with_a_version_of_all_labels(project):
    def train(folder):  # the labels are frozen by now
        label(project, {"Positive": 5}, first_id=1000)
        click(project)
        return small_program("learn", folder)

    run = queued_run(project)
    carry_out(run.pk, "worker@test", programs=replace(small_programs(), train=train))
    (following,) = active(project)
    ended = carry_out(
        following.pk, "worker@test", programs=small_programs(), limits=GENEROUS_LIMITS
    )
    run.refresh_from_db()
    assert (run.state, ended.state) == ("succeeded", "succeeded")
    assert ended.dataset_counts["tasks"] == run.dataset_counts["tasks"] + 5
