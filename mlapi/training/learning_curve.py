"""A version's learning curve, which its worker computes once the version may serve."""

from pathlib import Path
from time import monotonic

import structlog

from mlapi.child_process import supervise
from mlapi.child_process.supervise import Limits, Program
from mlapi.run_folder.result import read_curve
from mlapi.training.heartbeat import RunLog
from mlapi.worker import shutdown_requested
from registry.actions import registration
from registry.models import ModelVersion, TrainingRun
from registry.models.run import RunKind, RunState

log = structlog.get_logger(__name__)

_CHECK_EVERY_S = 1.0


def add(
    version: ModelVersion, run_log: RunLog, program: Program, folder: Path, limits: Limits
) -> None:
    """Adds the curve that the program computes; the run's log says how long it took, or why not.

    Neither a worker that is told to stop waits for it, nor a run that is queued.
    """
    begun = monotonic()
    try:
        supervise.supervise(program, folder, limits, may_fork=True, checkpoint=_Checkpoint())
        registration.add_metrics(version, read_curve(folder).metrics)
        run_log.append(f"Learning curve in {monotonic() - begun:.1f} s.")
    except _Skipped as skipped:
        run_log.append(f"No learning curve: {skipped}.")
    except Exception as error:
        log.exception("no learning curve", output=supervise.output_tail(folder))
        run_log.append(f"No learning curve: {type(error).__name__}: {error}")


class _Skipped(Exception):
    """The worker leaves off before the learning curve is finished; the message says why."""


class _Checkpoint:
    """Raises _Skipped where the worker has something else to do."""

    def __init__(self) -> None:
        self._checked_at = monotonic()

    def __call__(self) -> None:
        if shutdown_requested.is_set():
            raise _Skipped("the worker was told to stop")
        if monotonic() - self._checked_at < _CHECK_EVERY_S:
            return
        self._checked_at = monotonic()
        waiting = TrainingRun.objects.filter(state=RunState.QUEUED)
        if waiting.exclude(kind=RunKind.CHALLENGER).exists():
            raise _Skipped("another run waits for the worker")
