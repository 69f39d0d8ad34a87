"""The action on runs whose worker is gone: fail each, and queue it once more."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from registry.error_codes import CODES
from registry.models import TrainingRun
from registry.models.run import RunState

from . import runs

WORKER_LOST_AFTER = timedelta(seconds=60)
WORKER_LOST = "worker_lost"


def reap(older_than: timedelta = WORKER_LOST_AFTER) -> list[TrainingRun]:
    """Fail the runs whose worker has not been heard of, and queue each once more.

    A run that replaced a lost one is not replaced again: what kills two workers kills
    the third. One that was asked to cancel is cancelled. Returns the reaped runs.
    """
    silent = TrainingRun.objects.filter(
        state=RunState.RUNNING, heartbeat_at__lt=timezone.now() - older_than
    )
    reaped = []
    for run in silent.select_related("project", "retry_of"):
        with transaction.atomic():
            if _reap(run, older_than):
                reaped.append(run)
    return reaped


def _reap(run: TrainingRun, older_than: timedelta) -> bool:
    """True if the run was still silent when its row was written."""
    now = timezone.now()
    still_silent = TrainingRun.objects.filter(
        pk=run.pk, state=RunState.RUNNING, heartbeat_at__lt=now - older_than
    )
    if run.cancel_requested:
        return bool(
            still_silent.update(
                state=RunState.CANCELLED, phases=runs.closed_phases(run), ended_at=now
            )
        )
    failed = still_silent.update(
        state=RunState.FAILED,
        error_code=WORKER_LOST,
        error=f"Its worker {run.worker} was not heard of for {older_than.total_seconds():.0f} s.",
        hint=CODES[WORKER_LOST].hint,
        phases=runs.closed_phases(run),
        ended_at=now,
    )
    if not failed:
        return False
    run.refresh_from_db()
    if run.retry_of is None or run.retry_of.error_code != WORKER_LOST:
        runs.start(
            run.project,
            trigger=TrainingRun.Trigger.RETRY,
            actor="worker",
            reason=run.error,
            parameters=run.parameters,
            retry_of=run,
        )
    return True
