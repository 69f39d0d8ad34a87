"""Brings a project's mirror up to date before a run freezes its dataset."""

from collections.abc import Callable
from typing import Any

import structlog

from mlapi.mirror.process_events import drain
from mlapi.mirror.sync import sync
from mlapi.training.run_log import RunLog
from registry.errors import EvalsError
from registry.models import TrainingRun

log = structlog.get_logger(__name__)


def bring_up_to_date(run: TrainingRun, run_log: RunLog) -> None:
    """Apply what has come in, and for Start Training ask Label Studio itself.

    What fails here is told in the run's log; the run then learns from what the mirror has.
    """
    _try(run_log, "Applying received events", lambda: drain(run.project_id))
    if run.trigger != TrainingRun.Trigger.START_TRAINING:
        return
    report = _try(run_log, "Reading from Label Studio", lambda: sync(run.project, "Start Training"))
    if report is not None and report.error:
        run_log.write(f"Reading from Label Studio failed: {report.error['message']}")


def _try(run_log: RunLog, what: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except EvalsError as error:
        run_log.write(f"{what} failed: {error.sentence}")
        log.warning("mirror not brought up to date", step=what, error=error.message)
    except Exception as error:
        run_log.write(f"{what} failed: {type(error).__name__}: {error}")
        log.exception("mirror not brought up to date", step=what)
    return None
