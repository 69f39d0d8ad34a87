"""What happens to a run as it comes to one of its phases, from outside."""

from collections.abc import Callable

import pytest

from mlapi.training.heartbeat import RunLog
from registry.models import TrainingRun

Act = Callable[[TrainingRun], object]
AtPhase = Callable[[str, Act], None]


@pytest.fixture
def at_phase(monkeypatch) -> AtPhase:
    """Do something with each run that comes to the phase, in place of what was chosen before."""
    chosen: dict[str, Act] = {}

    def come_to(run: TrainingRun, *names: str | None) -> None:
        for name in names:
            if name in chosen:
                chosen[name](run)

    phase, append = RunLog.phase, RunLog.append_progress

    def entered(self: RunLog, name: str, progress: float) -> None:
        phase(self, name, progress)
        come_to(self._run, name)

    def appended(self: RunLog, lines: list[dict]) -> None:
        append(self, lines)
        come_to(self._run, *(line.get("phase") for line in lines))

    monkeypatch.setattr(RunLog, "phase", entered)
    monkeypatch.setattr(RunLog, "append_progress", appended)

    def choose(name: str, act: Act) -> None:
        chosen.clear()
        chosen[name] = act

    return choose
