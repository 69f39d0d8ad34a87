"""A run is started, claimed, updated by its worker and ended; cancelled, and tried again."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from registry.actions import run_starts, runs
from registry.actions.runs import RunNotActive
from registry.errors import Refused
from registry.models import AuditEntry, TrainingRun
from registry.models.run import RunState
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_start_is_enqueued_on_commit_only(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        run_starts.start(make.ProjectFactory(), trigger="policy", actor="policy")
    assert OrmQ.objects.count() == 0
    callbacks[0]()
    assert OrmQ.objects.get().func() == "mlapi.jobs.train"


def test_a_start_is_sent_at_once_also_with_its_lock_and_the_end_of_challengers(
    django_assert_num_queries,
):
    project = make.ProjectFactory()
    with django_assert_num_queries(3) as captured:
        run_starts.start(project, trigger="start_training")
    before, start, after = (q["sql"] for q in captured)
    assert before.startswith("SAVEPOINT") and after.startswith("RELEASE")
    lock, insert = start.split("; ", 1)
    assert lock.startswith("SELECT pg_advisory_xact_lock(")
    assert insert.strip().startswith("WITH challenger") and "INSERT INTO" in insert


def test_a_second_start_returns_the_active_run():
    project = make.ProjectFactory()
    first, _ = run_starts.start(project, trigger="policy", parameters={"seed": 3})
    first.refresh_from_db()
    assert first.parameters == {"seed": 3}
    again, created = run_starts.start(project, trigger="start_training")
    assert (again, created) == (first, False)


def test_a_project_can_train_again_after_its_run_ended():
    project = make.ProjectFactory()
    make.TrainingRunFactory(project=project, state="failed")
    assert run_starts.start(project, trigger="policy")[1]


@pytest.mark.parametrize("trigger", ["admin", "api", "command"])
def test_a_start_by_a_person_has_an_audit_entry(trigger):
    run, _ = run_starts.start(make.ProjectFactory(), trigger=trigger, actor="ada", reason="why not")
    assert AuditEntry.objects.get(run=run).reason == "why not"


def test_a_beat_appends_to_log_and_statements_and_times_the_phases():
    run = make.TrainingRunFactory(state="running")
    runs.record_heartbeat(
        run, phase="reading", progress=0.1, log="a\n", statements=[{"sql": "SELECT 1"}]
    )
    runs.record_heartbeat(
        run, phase="fitting", progress=0.5, log="b\n", statements=[{"sql": "SELECT 2"}]
    )
    runs.record_heartbeat(run, phase="fitting", log="c\x00\n")
    runs.succeed(run)
    run = TrainingRun.objects.get(pk=run.pk)
    assert run.log == "a\nb\nc\ufffd\n"
    assert [s["sql"] for s in run.statements] == ["SELECT 1", "SELECT 2"]
    assert [p["name"] for p in run.phases] == ["reading", "fitting"]
    assert all(p["seconds"] >= 0 for p in run.phases)
    assert run.progress == 1.0


def test_a_phase_that_is_reported_late_has_the_time_at_which_it_began():
    run = make.TrainingRunFactory(state="running")
    started_at = timezone.now() - timedelta(seconds=10)
    later = started_at + timedelta(seconds=4)
    runs.record_heartbeat(
        run, entered=[("reading", started_at), ("reading", later), ("fitting", later)]
    )
    run.refresh_from_db()
    assert [(p["name"], p["seconds"]) for p in run.phases] == [("reading", 4), ("fitting", None)]
    assert run.phases[1]["started_at"] == later.isoformat()
    assert run.phase == "fitting"


def test_a_very_long_log_is_cut_at_its_beginning():
    run = make.TrainingRunFactory(state="running")
    runs.record_heartbeat(run, log="x" * 300_000 + "the end")
    run.refresh_from_db()
    assert len(run.log) == 200_000
    assert run.log.endswith("the end")


def test_a_beat_says_when_the_run_is_to_be_cancelled():
    run = make.TrainingRunFactory(state="running")
    assert runs.record_heartbeat(run) is False
    runs.cancel(run.pk, actor="ada", reason="wrong labels")
    assert runs.record_heartbeat(run) is True
    runs.finish_cancel(run)
    assert run.state == RunState.CANCELLED
    assert AuditEntry.objects.get(run=run, verb="cancel").reason == "wrong labels"


def test_a_run_that_was_taken_away_does_not_beat():
    run = make.TrainingRunFactory(state="running")
    runs.fail(TrainingRun.objects.get(pk=run.pk), "x", "y")
    with pytest.raises(RunNotActive):
        runs.record_heartbeat(run, log="still here")
    run.refresh_from_db()
    assert run.log == ""


def test_describe_takes_what_describes_a_run_and_nothing_else():
    run = make.TrainingRunFactory(state="running")
    runs.set_details(run, dataset_counts={"train": 80, "bad": float("nan")}, candidates=[{"n": 1}])
    run.refresh_from_db()
    assert run.dataset_counts == {"train": 80, "bad": None}
    with pytest.raises(TypeError, match="state"):
        runs.set_details(run, state="succeeded")


def test_a_cancelled_run_cannot_be_claimed():
    run = make.TrainingRunFactory(state="cancelled")
    assert runs.claim(run.pk, "w") is None


def test_a_retry_keeps_the_parameters_and_says_of_what():
    project = make.ProjectFactory()
    run, _ = run_starts.start(project, trigger="policy", parameters={"seed": 5})
    runs.cancel(run.pk, actor="ada", reason="")
    again, created = run_starts.retry(run, actor="ada", reason="now")
    assert created
    assert (again.parameters, again.retry_of, again.trigger) == ({"seed": 5}, run, "retry")


@pytest.mark.parametrize("code", ["child_crashed", "worker_lost", "champion_moved"])
def test_a_worker_does_not_try_again_what_failed_after_a_request_to_cancel_it(code):
    run = make.TrainingRunFactory(state="running")
    runs.cancel(run.pk, actor="ada")
    runs.fail(run, code, "before its worker noticed")
    assert run_starts.retry_once(run) is None
    assert run_starts.retry_by_worker(run, "once more") is None
    assert not TrainingRun.objects.filter(retry_of=run).exists()
    assert run_starts.retry(run, actor="ada")[1]


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_only_what_failed_or_was_cancelled_is_tried_again(state):
    with pytest.raises(Refused):
        run_starts.retry(make.TrainingRunFactory(state=state), actor="ada")
