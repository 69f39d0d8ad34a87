"""Writes what a run is doing onto its row: phase, progress, log, statements."""

from typing import Any

from django.utils import timezone

from registry.actions import runs
from registry.models import TrainingRun

# The child's own 0..1 lies between freezing the dataset and verifying the artifact.
_CHILD_FROM, _CHILD_TO = 0.05, 0.9


class RunLog:
    """The run's row as its reader sees it grow; each call is one beat."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run

    def phase(self, name: str, progress: float) -> None:
        """Enter a phase; the one before gets its duration."""
        runs.record_heartbeat(self._run, phase=name, progress=progress)

    def write(self, text: str) -> None:
        """Append to the log, with the time."""
        if text:
            runs.record_heartbeat(self._run, log=_stamped(text))

    def take_over(self, lines: list[dict[str, Any]]) -> None:
        """Lines of the child's progress.jsonl, in one beat for each phase that they name."""
        log, statements, progress = "", [], None
        for line in lines:
            if line.get("phase") and line["phase"] != self._run.phase:
                runs.record_heartbeat(self._run, phase=line["phase"])
            if line.get("log"):
                log += _stamped(str(line["log"]))
            if line.get("statement"):
                statements.append(line["statement"])
            if line.get("progress") is not None:
                progress = _CHILD_FROM + (_CHILD_TO - _CHILD_FROM) * float(line["progress"])
        runs.record_heartbeat(
            self._run, progress=progress, log=log or None, statements=statements or None
        )


def _stamped(text: str) -> str:
    return f"{timezone.now():%H:%M:%S} {text.rstrip()}\n"
