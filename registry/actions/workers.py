"""Actions on workers: their heartbeats, and the runs of those that are lost."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry.error_codes import CODES
from registry.models import TrainingRun, Worker
from registry.models.run import RunState
from registry.models.worker import LIVE_WITHIN

from . import base, notifications, run_starts, runs

_LOST_AFTER_S = 60
_GONE_AFTER_S = 10  # ten heartbeats of a run
_WORKER_LOST = "worker_lost"


def record_heartbeat(cluster: str, hostname: str) -> None:
    """Record that the cluster's worker on that machine is alive."""
    Worker.objects.bulk_create(
        [Worker(cluster=cluster, hostname=hostname, heartbeat_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["cluster", "hostname"],
        update_fields=["heartbeat_at", "silent_at"],
    )


def record_end(cluster: str, hostname: str) -> None:
    """Record that the worker was stopped: its silence is none to report."""
    own = Worker.objects.filter(cluster=cluster, hostname=hostname)
    own.update(silent_at=timezone.now())


def report_silent() -> list[Worker]:
    """Notify of each worker that has become silent, once; return them. One query for none."""
    silent = Worker.objects.filter(
        heartbeat_at__lt=timezone.now() - LIVE_WITHIN, silent_at__isnull=True
    )
    reported = []
    for worker in silent.order_by("pk"):
        with transaction.atomic():
            noticed = {"silent_at": timezone.now()}
            unchanged = {"heartbeat_at": worker.heartbeat_at, "silent_at__isnull": True}
            if base.update_row(worker, noticed, **unchanged):
                others = Worker.objects.live().filter(cluster=worker.cluster).count()
                notifications.worker_silent(worker, others)
                reported.append(worker)
    return reported


def fail_lost_runs(is_gone: Callable[[str], bool] = lambda worker: False) -> list[TrainingRun]:
    """Fail the runs whose worker sends no heartbeat, queue each once more, and return them.

    After a minute; after ten seconds where `is_gone` knows the worker, as the run's row names it,
    and that its process has ended; that one's last heartbeat may also lie ahead, where the clock
    was set back. A run that replaced a lost one is not replaced again: what kills two workers kills
    the third. A run whose cancellation was requested is cancelled instead.
    """
    silent = TrainingRun.objects.filter(
        _is_silent(_GONE_AFTER_S, may_be_ahead=True), state=RunState.RUNNING
    )
    ended = []
    for run in silent.select_related("project", "retry_of"):
        has_ended = is_gone(run.worker)
        after_s = _GONE_AFTER_S if has_ended else _LOST_AFTER_S
        with transaction.atomic():
            if _fail_lost(run, after_s, may_be_ahead=has_ended):
                ended.append(run)
    return ended


def _fail_lost(run: TrainingRun, after_s: int, *, may_be_ahead: bool) -> bool:
    """Fail or cancel the run; False if it has sent a heartbeat within these seconds."""
    now = timezone.now()
    silent = _is_silent(after_s, may_be_ahead=may_be_ahead)
    still_lost = TrainingRun.objects.filter(silent, pk=run.pk, state=RunState.RUNNING)
    # By the row as it is now: a cancellation may have been requested since the run was read.
    cancelled = still_lost.filter(cancel_requested=True).update(
        state=RunState.CANCELLED, phases=runs.closed_phases(run), ended_at=now
    )
    if cancelled:
        return True
    failed = still_lost.filter(cancel_requested=False).update(
        state=RunState.FAILED,
        error_code=_WORKER_LOST,
        error=f"Its worker {run.worker} has sent no heartbeat for {after_s} s.",
        hint=CODES[_WORKER_LOST].hint,
        phases=runs.closed_phases(run),
        ended_at=now,
    )
    if not failed:
        return False
    run.refresh_from_db()
    notifications.run_failed(run)
    run_starts.retry_once(run)
    run_starts.start_follow_up(run)  # the run that replaces it is one, if there is one
    return True


def _is_silent(after_s: int, *, may_be_ahead: bool) -> Q:
    """No heartbeat within these seconds, or the last one ahead of the clock by a minute."""
    now = timezone.now()
    silent = Q(heartbeat_at__lt=now - timedelta(seconds=after_s))
    ahead = Q(heartbeat_at__gt=now + timedelta(seconds=_LOST_AFTER_S))
    return silent | ahead if may_be_ahead else silent
