"""Actions on workers: their heartbeats, and the runs of those that are lost."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from registry.error_codes import CODES
from registry.models import TrainingRun, Worker
from registry.models.run import RunState

from . import runs

_LOST_AFTER_S = 60
_GONE_AFTER_S = 10  # ten heartbeats of a run
_WORKER_LOST = "worker_lost"


def record_heartbeat(cluster: str, hostname: str) -> None:
    """Record that the cluster's worker on that machine is alive."""
    Worker.objects.bulk_create(
        [Worker(cluster=cluster, hostname=hostname, heartbeat_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["cluster", "hostname"],
        update_fields=["heartbeat_at"],
    )


def fail_lost_runs(is_gone: Callable[[str], bool] = lambda worker: False) -> list[TrainingRun]:
    """Fail the runs whose worker sends no heartbeat, queue each once more, and return them.

    After a minute; after ten seconds where `is_gone` knows the worker, as the run's row names it,
    and that its process has ended. A run that replaced a lost one is not replaced again: what kills
    two workers kills the third. A run whose cancellation was requested is cancelled instead.
    """
    silent = TrainingRun.objects.filter(
        state=RunState.RUNNING, heartbeat_at__lt=timezone.now() - timedelta(seconds=_GONE_AFTER_S)
    )
    ended = []
    for run in silent.select_related("project", "retry_of"):
        after_s = _GONE_AFTER_S if is_gone(run.worker) else _LOST_AFTER_S
        with transaction.atomic():
            if _fail_lost(run, after_s):
                ended.append(run)
    return ended


def _fail_lost(run: TrainingRun, after_s: int) -> bool:
    """Fail or cancel the run; False if it has sent a heartbeat within these seconds."""
    now = timezone.now()
    still_lost = TrainingRun.objects.filter(
        pk=run.pk, state=RunState.RUNNING, heartbeat_at__lt=now - timedelta(seconds=after_s)
    )
    if run.cancel_requested:
        return bool(
            still_lost.update(
                state=RunState.CANCELLED, phases=runs.closed_phases(run), ended_at=now
            )
        )
    failed = still_lost.update(
        state=RunState.FAILED,
        error_code=_WORKER_LOST,
        error=f"Its worker {run.worker} has sent no heartbeat for {after_s} s.",
        hint=CODES[_WORKER_LOST].hint,
        phases=runs.closed_phases(run),
        ended_at=now,
    )
    if not failed:
        return False
    runs.retry_once(run)
    return True
