"""Effects from outside on a run that enters one of its phases."""

from collections.abc import Callable

import pytest

from mlapi.training.heartbeat import RunLog
from registry.models import TrainingRun

Effect = Callable[[TrainingRun], object]
SetEffect = Callable[[str, Effect], None]


@pytest.fixture
def at_phase(monkeypatch) -> SetEffect:
    """Sets the effect on each run that enters the phase, in place of the effect set before."""
    effects: dict[str, Effect] = {}

    def apply_effects(run: TrainingRun, *names: str | None) -> None:
        for name in names:
            if name in effects:
                effects[name](run)

    phase, append = RunLog.phase, RunLog.append_progress

    def entered(self: RunLog, name: str, progress: float) -> None:
        phase(self, name, progress)
        apply_effects(self._run, name)

    def appended(self: RunLog, lines: list[dict]) -> None:
        append(self, lines)
        apply_effects(self._run, *(line.get("phase") for line in lines))

    monkeypatch.setattr(RunLog, "phase", entered)
    monkeypatch.setattr(RunLog, "append_progress", appended)

    def set_effect(name: str, effect: Effect) -> None:
        effects.clear()
        effects[name] = effect

    return set_effect
