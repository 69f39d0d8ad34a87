"""Train: a run of the project is queued, whatever its policy says."""

from typing import Any

from registry.actions import run_starts
from registry.errors import EvalsError, Refused
from registry.models import Project, TrainingRun
from registry.models.run import ACTIVE_TRAINING

from .action import OPTIONAL_REASON, Action, Button, Caller, Result, newest_entry, register


@register
class Train(Action[Project]):
    """A run is queued; where one is active, that goes on instead, or first."""

    name = "train"
    title = "Train now"
    description = (
        "Queues a run, whatever the policy says. A run that is active goes on instead; if labels "
        "have changed since it read them, the next one is queued when it ends."
    )
    permission = "registry.train_project"
    subject = Project
    form = OPTIONAL_REASON
    button = Button(icon="model_training", variant="primary", path="train_now", place=10)
    in_rest = False  # POST /api/runs/
    in_commands = False  # `manage.py train` also follows the run
    answers_with_new_row = True

    def unavailable(self, subject: Project) -> EvalsError | None:
        if not subject.pipeline:
            return Refused(f"No pipeline serves {subject}.", hint=subject.unserved_reason)
        active = subject.runs.filter(ACTIVE_TRAINING).first()
        if active is None or (not active.follow_up and run_starts.has_newer_labels(active)):
            return None
        return Refused(_is_active(active))

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        run, is_new = run_starts.start(
            subject,
            trigger=TrainingRun.Trigger(caller.via),
            actor=caller.name,
            reason=values["reason"],
        )
        return queued(run, is_new)


def queued(run: TrainingRun, is_new: bool) -> Result:
    """Says of a run whether it was queued now or is the active one."""
    if not is_new:
        return Result(_is_active(run), row=run)
    return Result(f"Run {run.pk} is queued.", newest_entry(run), row=run, is_new=True)


def _is_active(run: TrainingRun) -> str:
    return f"Run {run.pk} is {run.state} already.{follow_up_text(run)}"


def follow_up_text(run: TrainingRun) -> str:
    """The sentence on the run that is queued when this active one ends, after a space, or ""."""
    if not run.is_active or not run.follow_up:
        return ""
    return " Labels have changed since it read them, so another run is queued when it ends."
