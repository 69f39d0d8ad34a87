"""Periodic maintenance: starts what is due, requeues what was lost, deletes what is expired."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet
from django.utils import timezone
from django_q.models import OrmQ

from mlapi.conversion import converting
from mlapi.images import thumbnails
from mlapi.jobs import schedules
from mlapi.locks import READING, SCORES, is_locked
from mlapi.mirror import counts
from mlapi.pipelines import PIPELINES
from mlapi.training import policy, scoring
from mlapi.worker import is_gone
from registry import queue
from registry.actions import accuracy, events, scores, webhooks, workers
from registry.actions import projects as project_actions
from registry.models import Event, ModelVersion, Project, TrainingRun
from registry.models.event import EventStatus
from registry.models.run import ACTIVE_TRAINING, RunState

log = structlog.get_logger(__name__)

# After this time a queued job that has not begun counts as lost with its worker.
LOST_AFTER = timedelta(seconds=15)
_RECONCILE_EVERY = timedelta(minutes=50)
# Of two webhooks sent at once, the one that counts less may come last.
_SETTLING = timedelta(seconds=10)
_COUNTED_EVERY = timedelta(minutes=5)
_PROBLEMS_EXPIRE_AFTER = timedelta(days=30)
_wall_clock = schedules.WallClock()


def tick() -> None:
    """Runs every half minute; a step that fails does not stop the others."""
    for step in (
        reap,
        requeue_lost_runs,
        requeue_stuck_events,
        requeue_lost_syncs,
        requeue_lost_scorings,
        consider_projects,
        compare_counters,
        scoring.request_new,
        requeue_deliveries,
    ):
        _isolated(step)


def hourly() -> None:
    """Runs every hour."""
    for step in (
        reconcile,
        purge_expired,
        scoring.request_all,
        push_champions,
        accuracy.report_drops,
    ):
        _isolated(step)


def push_champions() -> None:
    """Has each champion registered in MLflow, if one is configured, that is not there yet."""
    for version in ModelVersion.objects.filter(project__champion=F("pk")).only("pk"):
        queue.push_to_mlflow(version.pk)


def at_worker_start() -> None:
    """Queues a sync of each project, and the conversion of champions of an old format."""
    converting.request_champions()
    read_changes("a worker started")


def read_changes(reason: str) -> None:
    """Queues a sync of each project: events may have been missed."""
    for project in _not_archived():
        project_actions.request_sync(project, reason)


def reap() -> None:
    """Fails runs without a recent heartbeat, and queues them once more.

    Not while the clock has just been set: until a run's next heartbeat the last one may be a day
    old.
    """
    if _wall_clock.was_set_lately():
        return
    for run in workers.fail_lost_runs(is_gone):
        log.error("run reaped: its worker went silent", run=run.pk, worker=run.worker)


def requeue_lost_runs() -> list[int]:
    """Requeues the job of each queued run that has none; returns the ids of the runs.

    A job is lost with the worker that took it from the queue. Claiming is a conditional
    UPDATE, so a superfluous job does nothing.
    """
    now = timezone.now()
    waited = Q(created_at__lt=now - LOST_AFTER) | Q(created_at__gt=now + LOST_AFTER)
    queued = TrainingRun.objects.filter(waited, state=RunState.QUEUED).values_list("pk", flat=True)
    if not queued:
        return []
    with_a_job = _runs_with_a_job()
    lost = [pk for pk in queued if pk not in with_a_job]
    for pk in lost:
        log.warning("a queued run had no job", run=pk)
        queue.train(pk)
    return lost


def _runs_with_a_job() -> set[int]:
    """Runs whose job waits in the queue, or was taken from it within LOST_AFTER."""
    jobs = OrmQ.objects.filter(key=queue.TRAINING).exclude(_taken_before(queue.TRAINING))
    return {job.args()[0] for job in jobs if job.func() == "mlapi.jobs.train"}


def _taken_before(cluster: str) -> Q:
    """The condition on jobs that a worker of the cluster took more than LOST_AFTER ago.

    django-q locks a job until it may be retried, so the lock tells when it was taken.
    """
    now = timezone.now()
    retry = timedelta(seconds=schedules.cluster_settings(cluster)["retry"])
    return Q(lock__gt=now) & Q(lock__lt=now + retry - LOST_AFTER)


def requeue_stuck_events() -> None:
    """Requeues the processing of events that have waited for longer than LOST_AFTER.

    Those that come from the future were received before the clock was set back.
    """
    now = timezone.now()
    waiting = (
        Event.objects.filter(status=EventStatus.RECEIVED, project__isnull=False)
        .order_by()
        .values("project")
        .annotate(since=Min("received_at"))
        .filter(Q(since__lt=now - LOST_AFTER) | Q(since__gt=now + LOST_AFTER))
    )
    stuck = set(waiting.values_list("project", flat=True))
    for project in sorted(stuck - queue.waiting_projects("process_events")):
        queue.process_events(project)


def requeue_lost_syncs() -> None:
    """Requeues syncs that were lost with their worker, before they began or while they read."""
    unread = ~Q(reading={}) & ~Q(reading__has_key="failed")
    late = Q(sync_queued_at__lt=timezone.now() - project_actions.SYNC_LOST_AFTER)
    for project in _not_archived().filter(unread | late):
        if not is_locked(project.pk, READING):
            project_actions.request_sync(project, "a sync was lost")


def requeue_lost_scorings() -> None:
    """Requeues scorings that were lost with the workers that had taken them."""
    for job in OrmQ.objects.filter(_taken_before(queue.EVENTS), key=queue.EVENTS):
        if job.func() != "mlapi.jobs.score":
            continue
        version = ModelVersion.objects.filter(pk=job.args()[0]).first()
        if version is not None and not is_locked(version.project_id, SCORES):
            job.delete()
            scores.requeue(version)


def requeue_deliveries() -> None:
    """Queues the sending to webhooks where something is due, for the first time or again."""
    if webhooks.is_delivery_due():
        queue.deliver()


def consider_projects() -> None:
    """Applies the policy to each idle project that has labels, or may train without."""
    active = TrainingRun.objects.filter(ACTIVE_TRAINING, project=OuterRef("pk"))
    may_train = Q(labels_changed_at__isnull=False)
    for name, pipeline in PIPELINES.items():
        serves = Q(pipeline__contains=name)  # beside others, perhaps
        if pipeline.counts == "tasks":
            may_train |= serves
        elif pipeline.may_be_pretrained:
            fits = Q(champion__fingerprint=F("fingerprint"))
            may_train |= serves & (Q(champion__isnull=True) | ~fits)
    idle = _not_archived().filter(may_train, ~Exists(active))
    for project in idle.exclude(pipeline=""):
        _isolated(policy.consider, project)


def consider_waiting() -> None:
    """Applies the policy to the projects that wait for quiet; called every few seconds.

    One query where none waits.
    """
    for project in _not_archived().filter(threshold_reached_at__isnull=False):
        _isolated(policy.consider, project)


def compare_counters() -> None:
    """Queues a sync for each project whose counters in Label Studio differ from the mirror's.

    Every webhook carries the project's counters, so a lost webhook, or an annotation turned into
    a draft, shows with the next one. Runs at the earliest five minutes after a sync, also a
    failed one, so that no sync follows each event.
    """
    now = timezone.now()
    lately = now - _COUNTED_EVERY
    waiting = Event.objects.filter(project=OuterRef("pk"), status=EventStatus.RECEIVED)
    settled = _not_archived().filter(~Exists(waiting), synced_at__lt=lately)
    for project in settled.exclude(connection__ok=False, connection_checked_at__gte=lately):
        _isolated(_compare_counters, project, now)


def _compare_counters(project: Project, now: datetime) -> None:
    recently = now - 2 * _COUNTED_EVERY
    counters = counts.from_last_webhook(project, since=max(project.synced_at or recently, recently))
    if counters is None or counters[1] > now - _SETTLING:
        return
    if counters[0] != counts.of_mirror(project):
        project_actions.request_sync(project, "Label Studio counts other than the mirror has")


def reconcile() -> None:
    """Queues a sync for each project that was not synced within the hour."""
    before = timezone.now() - _RECONCILE_EVERY
    stale = Q(synced_at__isnull=True) | Q(synced_at__lt=before) | Q(synced_at__gt=timezone.now())
    for project in _not_archived().filter(stale):
        project_actions.request_sync(project, "hourly")


def purge_expired() -> None:
    """Deletes events of failed predictions and deliveries after a month, and old thumbnails.

    Other events stay.
    """
    before = timezone.now() - _PROBLEMS_EXPIRE_AFTER
    events.purge_problems(before)
    webhooks.purge_deliveries(before)
    thumbnails.trim()


def _not_archived() -> QuerySet[Project]:
    """The projects that are not archived."""
    return Project.objects.filter(archived_at__isnull=True)


def _isolated(step: Callable[..., object], *arguments: object) -> None:
    try:
        step(*arguments)
    except Exception:
        log.exception("maintenance step failed", step=step.__name__, on=[str(a) for a in arguments])
