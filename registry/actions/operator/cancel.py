"""Cancel: a run ends."""

from typing import Any

from registry.actions import runs
from registry.errors import EvalsError, Refused
from registry.models import TrainingRun
from registry.models.run import RunState

from .action import (
    OPTIONAL_REASON,
    Action,
    Button,
    Caller,
    Change,
    Result,
    newest_entry,
    register,
)


@register
class Cancel(Action[TrainingRun]):
    """A queued run ends at once; a running one within two seconds."""

    name = "cancel"
    title = "Cancel"
    description = "A queued run ends at once, a running one within two seconds."
    permission = "registry.train_project"
    subject = TrainingRun
    form = OPTIONAL_REASON
    button = Button(icon="cancel", variant="danger", place=10)

    def unavailable(self, subject: TrainingRun) -> EvalsError | None:
        if not subject.is_active:
            return runs.RunNotActive(f"Run {subject.pk} has ended already.")
        if subject.cancel_requested:
            return Refused(f"Run {subject.pk} is being cancelled already.")
        return None

    def changes(self, subject: TrainingRun) -> list[Change]:
        then = RunState.CANCELLED.label.lower()
        return [Change(f"State of run {subject.pk}", subject.get_state_display().lower(), then)]

    def execute(self, subject: TrainingRun, values: dict[str, Any], caller: Caller) -> Result:
        run = runs.cancel(subject.pk, actor=caller.name, reason=values["reason"])
        how = "being cancelled" if run.is_active else "cancelled"
        return Result(f"Run {run.pk} is {how}.", newest_entry(run))
