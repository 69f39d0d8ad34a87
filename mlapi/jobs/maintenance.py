"""What is done by the clock: what became due is started, and what got lost is found."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from mlapi.conversion import converting
from mlapi.images import thumbnails
from mlapi.mirror import counts
from mlapi.pipelines import PIPELINES
from mlapi.training import policy, scoring
from registry import queue
from registry.actions import events, workers
from registry.actions import projects as project_actions
from registry.models import Event, Project, TrainingRun
from registry.models.event import EventStatus
from registry.models.run import ACTIVE_STATES, RunState

log = structlog.get_logger(__name__)

# A job that was queued this long ago without being worked on may be lost with its worker.
LOST_AFTER = timedelta(seconds=15)
_RECONCILE_EVERY = timedelta(minutes=50)
# Of two webhooks sent at once, the one that counts less may come last.
_UNDER_WAY = timedelta(seconds=10)
_COUNTED_EVERY = timedelta(minutes=5)
_PROBLEMS_KEPT = timedelta(days=30)


def tick() -> None:
    """Every half minute. Each step stands alone: one that fails does not keep the others."""
    for step in (
        reap,
        requeue_lost_runs,
        requeue_stuck_events,
        consider_projects,
        compare_counters,
        scoring.request_new,
    ):
        _isolated(step)


def hourly() -> None:
    """Every hour."""
    for step in (reconcile, purge_expired, scoring.request_all):
        _isolated(step)


def at_worker_start() -> None:
    """What may have been missed while no worker was there, and what a new release asks for."""
    converting.request_champions()
    for project in Project.objects.all():
        project_actions.request_sync(project, "a worker started")


def reap() -> None:
    """Runs whose worker went silent are failed and queued once more."""
    for run in workers.fail_lost_runs():
        log.error("run reaped: its worker went silent", run=run.pk, worker=run.worker)


def requeue_lost_runs() -> list[int]:
    """Queue the job again of each queued run that no worker can know of; returns their ids.

    A job is lost with the worker that had taken it from the queue. Claiming is a
    conditional UPDATE, so a job too many does nothing.
    """
    now = timezone.now()
    queued = TrainingRun.objects.filter(
        state=RunState.QUEUED, created_at__lt=now - LOST_AFTER
    ).values_list("pk", flat=True)
    if not queued:
        return []
    known = _runs_with_a_job()
    lost = [pk for pk in queued if pk not in known]
    for pk in lost:
        log.warning("a queued run had no job", run=pk)
        queue.train(pk)
    return lost


def _runs_with_a_job() -> set[int]:
    """Runs whose job waits in the queue, or was taken from it a moment ago."""
    retry = timedelta(seconds=settings.Q_CLUSTER["ALT_CLUSTERS"][queue.TRAINING]["retry"])
    # django-q locks a job until it may be retried, so the lock tells when it was taken.
    taken_before = timezone.now() + retry - LOST_AFTER
    jobs = OrmQ.objects.filter(key=queue.TRAINING).exclude(
        Q(lock__gt=timezone.now()) & Q(lock__lt=taken_before)
    )
    return {job.args()[0] for job in jobs if job.func() == "mlapi.jobs.train"}


def requeue_stuck_events() -> None:
    """Queue a drain for each project with events that have waited too long."""
    waiting = (
        Event.objects.filter(status=EventStatus.RECEIVED, project__isnull=False)
        .order_by()
        .values("project")
        .annotate(since=Min("received_at"))
        .filter(since__lt=timezone.now() - LOST_AFTER)
    )
    for row in waiting:
        queue.drain(row["project"])


def consider_projects() -> None:
    """Ask the policy of every project that has what it counts, and no run under way."""
    active = TrainingRun.objects.filter(project=OuterRef("pk"), state__in=ACTIVE_STATES)
    counted = [name for name, pipeline in PIPELINES.items() if pipeline.counts == "tasks"]
    may_train = Q(labels_changed_at__isnull=False) | Q(pipeline__in=counted)
    idle = Project.objects.filter(may_train, ~Exists(active))
    for project in idle.exclude(pipeline=""):
        _isolated(policy.consider, project)


def consider_waiting() -> None:
    """Ask the policy of the projects that wait for quiet; every few seconds, so that quiet is met.

    One query where none waits.
    """
    for project in Project.objects.filter(threshold_reached_at__isnull=False):
        _isolated(policy.consider, project)


def compare_counters() -> None:
    """Queue a sync for each project of which Label Studio counts other than the mirror has.

    Every webhook carries the project's counters, so that what none has told (a lost one, an
    annotation turned into a draft) shows with the next. Five minutes after a sync at the
    earliest, and after one that failed: this is never a sync for each event.
    """
    now = timezone.now()
    lately = now - _COUNTED_EVERY
    waiting = Event.objects.filter(project=OuterRef("pk"), status=EventStatus.RECEIVED)
    settled = Project.objects.filter(~Exists(waiting), synced_at__lt=lately)
    for project in settled.exclude(connection__ok=False, connection_checked_at__gte=lately):
        _isolated(_compare_counters, project, now)


def _compare_counters(project: Project, now: datetime) -> None:
    recently = now - 2 * _COUNTED_EVERY
    told = counts.from_last_webhook(project, since=max(project.synced_at or recently, recently))
    if told is None or told[1] > now - _UNDER_WAY:
        return
    if told[0] != counts.of_mirror(project):
        project_actions.request_sync(project, "Label Studio counts other than the mirror has")


def reconcile() -> None:
    """Queue a sync for each project that has not been read for an hour."""
    before = timezone.now() - _RECONCILE_EVERY
    stale = Q(synced_at__isnull=True) | Q(synced_at__lt=before)
    for project in Project.objects.filter(stale):
        project_actions.request_sync(project, "hourly")


def purge_expired() -> None:
    """Forget what could not be predicted a month ago, and old thumbnails; all other events stay."""
    events.purge_problems(timezone.now() - _PROBLEMS_KEPT)
    thumbnails.trim()


def _isolated(step: Callable[..., object], *arguments: object) -> None:
    try:
        step(*arguments)
    except Exception:
        log.exception("maintenance step failed", step=step.__name__, on=[str(a) for a in arguments])


# The sixth field of a cron expression is seconds. django-q asks its schedules every 30 s.
_SCHEDULES = {
    "tick": {"schedule_type": Schedule.CRON, "cron": "* * * * * */30"},
    "hourly": {"schedule_type": Schedule.HOURLY},
}
_SCHEDULES_LOCK = 0x5C4ED


@transaction.atomic
def ensure_schedules() -> None:
    """Each schedule exists once, as it is meant to be; the lock stands in for a unique name.

    One that is there keeps its next run, so that a worker that often restarts still gets
    to the hourly one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEDULES_LOCK])
    for name, when in _SCHEDULES.items():
        meant = {"func": f"mlapi.jobs.{name}", "cluster": queue.EVENTS, "repeats": -1, **when}
        there = Schedule.objects.filter(name=name).order_by("pk")
        if not there:
            Schedule.objects.create(name=name, next_run=timezone.now(), **meant)
            continue
        there.update(**meant)
        there.exclude(pk=there[0].pk).delete()
