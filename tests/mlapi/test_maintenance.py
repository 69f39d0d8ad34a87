"""The scheduled jobs."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from mlapi.jobs import maintenance, schedules
from mlapi.training import policy
from registry import queue
from registry.actions import events, projects, runs
from registry.models import Event, Project, TrainingRun
from tests.factories import ProjectFactory, TaskFactory, TrainingRunFactory
from tests.mlapi.training.projects import label, labelled_project

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(minutes=5)


def jobs(name, cluster):
    found = OrmQ.objects.filter(key=cluster)
    return [job.args() for job in found if job.func() == f"mlapi.jobs.{name}"]


def backdate(run):
    TrainingRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - LONG_AGO)


def test_a_schedule_exists_once_and_keeps_its_next_run():
    schedules.ensure_schedules()
    soon = timezone.now() + timedelta(minutes=17)
    Schedule.objects.filter(name="hourly").update(next_run=soon)
    Schedule.objects.create(name="tick", func="mlapi.jobs.tick")
    schedules.ensure_schedules()
    assert sorted(Schedule.objects.values_list("name", "cluster")) == [
        ("hourly", "events"),
        ("tick", "events"),
    ]
    assert Schedule.objects.get(name="hourly").next_run == soon


def test_the_tick_comes_round_every_half_minute():
    schedules.ensure_schedules()
    tick = Schedule.objects.get(name="tick")
    first = tick.calculate_next_run(timezone.now())
    assert first - timezone.now() <= timedelta(seconds=30)
    assert first.second in (0, 30)


def test_a_run_without_heartbeats_is_failed_and_queued_once_more():
    run = TrainingRunFactory(state="running")
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - LONG_AGO)
    maintenance.tick()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker_lost")
    again = TrainingRun.objects.get(retry_of=run)
    assert again.state == "queued"
    assert [again.pk] in [list(args) for args in jobs("train", queue.TRAINING)]


def test_a_queued_run_whose_job_got_lost_is_woken():
    run = TrainingRunFactory()
    OrmQ.objects.all().delete()
    assert maintenance.requeue_lost_runs() == []  # it may be on its way
    backdate(run)
    assert maintenance.requeue_lost_runs() == [run.pk]
    assert jobs("train", queue.TRAINING) == [(run.pk,)]
    assert maintenance.requeue_lost_runs() == []  # its job waits now


def test_a_job_taken_by_a_worker_that_died_counts_as_lost():
    run = TrainingRunFactory()
    backdate(run)
    retry = timedelta(seconds=settings.Q_CLUSTER["ALT_CLUSTERS"]["training"]["retry"])
    OrmQ.objects.update(lock=timezone.now() + retry)  # taken now
    assert maintenance.requeue_lost_runs() == []
    OrmQ.objects.update(lock=timezone.now() + retry - timedelta(minutes=1))
    assert maintenance.requeue_lost_runs() == [run.pk]


def test_events_that_wait_too_long_are_processed():
    project = ProjectFactory()
    event = events.record(project, "ANNOTATION_CREATED", {}, source=Event.Source.WEBHOOK)
    maintenance.requeue_stuck_events()
    assert jobs("process_events", queue.EVENTS) == []
    Event.objects.filter(pk=event.pk).update(received_at=timezone.now() - LONG_AGO)
    maintenance.requeue_stuck_events()
    assert jobs("process_events", queue.EVENTS) == [(project.pk,)]


def test_a_project_that_has_become_quiet_is_trained():
    project = labelled_project({})
    label(project, {"Positive": 10, "Negative": 10}, now=timezone.now() - LONG_AGO)
    maintenance.tick()
    run = TrainingRun.objects.get(project=project)
    assert (run.trigger, run.state) == ("policy", "queued")


def test_a_project_that_waits_for_quiet_is_trained_when_it_is_met(django_assert_num_queries):
    idle = labelled_project({})
    with django_assert_num_queries(1):
        maintenance.consider_waiting()  # nobody waits
    project = labelled_project({}, policy={"quiet_s": 60})
    label(project, {"Positive": 10, "Negative": 10}, now=timezone.now())
    policy.consider(project)
    maintenance.consider_waiting()  # it is not quiet yet
    assert not TrainingRun.objects.exists()
    Project.objects.update(labels_changed_at=timezone.now() - timedelta(seconds=61))
    maintenance.consider_waiting()
    assert [run.project for run in TrainingRun.objects.all()] == [project] != [idle]
    maintenance.consider_waiting()
    assert TrainingRun.objects.count() == 1


def test_a_project_that_fails_does_not_stop_the_others():
    broken = labelled_project({"Positive": 20}, policy={"first_labels": "many"})
    fine = labelled_project({})
    label(fine, {"Positive": 10, "Negative": 10}, now=timezone.now() - LONG_AGO)
    maintenance.tick()
    assert TrainingRun.objects.filter(project=fine).exists()
    assert not TrainingRun.objects.filter(project=broken).exists()


def test_only_projects_not_read_for_an_hour_are_reconciled():
    fresh, stale, never = ProjectFactory(), ProjectFactory(), ProjectFactory()
    now = timezone.now()
    Project.objects.filter(pk=fresh.pk).update(synced_at=now - timedelta(minutes=10))
    Project.objects.filter(pk=stale.pk).update(synced_at=now - timedelta(minutes=61))
    maintenance.reconcile()
    maintenance.reconcile()  # a waiting one is not queued twice
    assert sorted(args[0] for args in jobs("sync", queue.EVENTS)) == [stale.pk, never.pk]


def record_counters(
    project, ago: timedelta, tasks: int, annotations: int, skipped: int = 0
) -> None:
    counted = {
        "task_number": tasks,
        "total_annotations_number": annotations,
        "skipped_annotations_number": skipped,
    }
    event = events.record(
        project, "ANNOTATION_CREATED", {"project": counted}, status="applied", outcome="a test"
    )
    Event.objects.filter(pk=event.pk).update(received_at=timezone.now() - ago)


@pytest.mark.parametrize(
    ("ago", "counted", "asks"),
    [
        (timedelta(minutes=4), (2, 2), False),  # as the mirror has it
        (timedelta(minutes=4), (2, 1, 1), False),  # one of them skipped
        (timedelta(minutes=4), (2, 1), True),  # one became a draft
        (timedelta(minutes=4), (3, 2), True),  # an import got lost
        (timedelta(seconds=1), (3, 2), False),  # the rest may be under way
        (timedelta(minutes=30), (3, 2), False),  # before the last sync
    ],
)
def test_counters_that_differ_from_the_mirror_ask_for_a_sync(ago, counted, asks, monkeypatch):
    monkeypatch.setattr(maintenance, "_SETTLING", timedelta(minutes=2))
    project = ProjectFactory()
    TaskFactory.create_batch(2, project=project, labelled="Positive")
    record_counters(project, ago + timedelta(minutes=1), 7, 7)  # earlier counters do not count
    record_counters(project, ago, *counted)
    Project.objects.update(synced_at=timezone.now() - timedelta(minutes=20))
    maintenance.compare_counters()
    maintenance.compare_counters()
    assert len(jobs("sync", queue.EVENTS)) == asks


@pytest.mark.parametrize(
    ("synced", "failed"),
    [
        (None, None),
        (timedelta(minutes=1), None),
        (timedelta(minutes=20), timedelta(minutes=1)),
    ],
)
def test_counters_are_compared_only_some_time_after_a_sync(synced, failed):
    project = ProjectFactory()
    record_counters(project, timedelta(seconds=20), 3, 2)
    if synced:
        Project.objects.update(synced_at=timezone.now() - synced)
    if failed:
        checked_at = timezone.now() - failed
        Project.objects.update(connection={"ok": False}, connection_checked_at=checked_at)
    maintenance.compare_counters()
    assert jobs("sync", queue.EVENTS) == []
    if failed:
        Project.objects.update(connection_checked_at=checked_at - timedelta(minutes=5))
        maintenance.compare_counters()
        assert len(jobs("sync", queue.EVENTS)) == 1


def test_only_old_prediction_events_are_deleted():
    project = ProjectFactory()
    old = timezone.now() - timedelta(days=31)
    remaining = [
        events.record(project, "ANNOTATION_CREATED", {}, source=Event.Source.WEBHOOK),
        events.record(project, "PREDICT", {}, source=Event.Source.PREDICT),
    ]
    gone = events.record(project, "PREDICT", {}, source=Event.Source.PREDICT)
    Event.objects.filter(pk__in=[remaining[0].pk, gone.pk]).update(received_at=old)
    maintenance.purge_expired()
    assert set(Event.objects.values_list("pk", flat=True)) == {e.pk for e in remaining}


def test_a_cancelled_run_is_not_woken():
    run = TrainingRunFactory()
    backdate(run)
    OrmQ.objects.all().delete()
    runs.cancel(run.pk, actor="tester")
    assert maintenance.requeue_lost_runs() == []


def test_an_archived_project_is_neither_read_nor_trained_by_itself():
    project = labelled_project({"Positive": 30, "Negative": 30})
    projects.archive(project, actor="ada", reason="Over.")
    later = timezone.now() + timedelta(hours=2)
    assert policy.consider(project, later) is None
    assert policy.decide(Project.objects.get(pk=project.pk), later).state == "off"
    maintenance.reconcile()
    maintenance.tick()
    assert jobs("sync", queue.EVENTS) == []
    assert not project.runs.exists()
    projects.unarchive(project, actor="ada", reason="Again.")
    assert jobs("sync", queue.EVENTS) == [(project.pk, "out of the archive")]
    assert policy.decide(Project.objects.get(pk=project.pk), later).state == "due"
