"""Retry: a run that failed or was cancelled is queued again."""

from typing import Any

from registry.actions import run_starts
from registry.errors import EvalsError
from registry.models import TrainingRun
from registry.models.run import RunState

from .action import OPTIONAL_REASON, Action, Button, Caller, Result, register
from .train import queued


@register
class Retry(Action[TrainingRun]):
    """A run with the parameters of this one is queued, on today's labels."""

    name = "retry"
    title = "Retry"
    description = (
        "Queues a run that failed or was cancelled again, with its parameters, on today's labels. "
        "A run that is active goes on instead."
    )
    permission = "registry.train_project"
    subject = TrainingRun
    form = OPTIONAL_REASON
    button = Button(icon="replay", place=20)
    answers_with_new_row = True
    verb = "train"

    def unavailable(self, subject: TrainingRun) -> EvalsError | None:
        if subject.state not in {RunState.FAILED, RunState.CANCELLED}:
            return run_starts.RunStillActive(
                f"Run {subject.pk} is {subject.state}: there is nothing to try again."
            )
        return None

    def execute(self, subject: TrainingRun, values: dict[str, Any], caller: Caller) -> Result:
        return queued(*run_starts.retry(subject, actor=caller.name, reason=values["reason"]))
