"""Actions on workers: their heartbeats, and the runs of those that are lost."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from registry.error_codes import CODES
from registry.models import TrainingRun, Worker
from registry.models.run import RunState

from . import runs

_LOST_AFTER_S = 60
_WORKER_LOST = "worker_lost"


def record_heartbeat(cluster: str, hostname: str) -> None:
    """Record that the cluster's worker on that machine is alive."""
    Worker.objects.bulk_create(
        [Worker(cluster=cluster, hostname=hostname, heartbeat_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["cluster", "hostname"],
        update_fields=["heartbeat_at"],
    )


def fail_lost_runs() -> list[TrainingRun]:
    """Fail the runs whose worker sends no heartbeat, queue each once more, and return them.

    A run that replaced a lost one is not replaced again: what kills two workers kills the third.
    A run whose cancellation was requested is cancelled instead.
    """
    lost = TrainingRun.objects.filter(
        state=RunState.RUNNING, heartbeat_at__lt=timezone.now() - timedelta(seconds=_LOST_AFTER_S)
    )
    ended = []
    for run in lost.select_related("project", "retry_of"):
        with transaction.atomic():
            if _fail_lost(run):
                ended.append(run)
    return ended


def _fail_lost(run: TrainingRun) -> bool:
    """Fail or cancel the run; False if it has sent a heartbeat meanwhile."""
    now = timezone.now()
    still_lost = TrainingRun.objects.filter(
        pk=run.pk, state=RunState.RUNNING, heartbeat_at__lt=now - timedelta(seconds=_LOST_AFTER_S)
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
        error=f"Its worker {run.worker} has sent no heartbeat for {_LOST_AFTER_S} s.",
        hint=CODES[_WORKER_LOST].hint,
        phases=runs.closed_phases(run),
        ended_at=now,
    )
    if not failed:
        return False
    runs.retry_once(run)
    return True
