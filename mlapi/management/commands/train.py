"""`manage.py train PROJECT`: starts a run or joins the active one, and shows how it goes."""

import getpass
import sys
import threading
import time
from contextlib import suppress

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mlapi.training.run import carry_out
from mlapi.worker import worker_name
from registry import queue
from registry.actions import runs
from registry.actions.operator import Caller, Via
from registry.actions.operator.train import Train, follow_up_text
from registry.errors import Refused
from registry.management.cli import add_project, find_project
from registry.metrics import NO_ROW, metric_info
from registry.models import ModelVersion, Project, TrainingRun, Worker
from registry.models.run import RunState

_POLL_S = 0.5
# The exit status by how the run ended; 3: it goes on without us.
_STATUS = {RunState.SUCCEEDED: 0, RunState.FAILED: 1, RunState.CANCELLED: 2}
_GOES_ON = 3


class Command(BaseCommand):
    """Exit status 0: succeeded; 1: failed; 2: cancelled; 3: left running."""

    help = "Train a project now, whatever its policy says."

    def add_arguments(self, parser: CommandParser) -> None:
        add_project(parser)
        parser.add_argument("--no-wait", action="store_true", help="Queue the run and leave.")
        parser.add_argument(
            "--here", action="store_true", help="Carry it out here, without a worker."
        )

    def handle(self, *args: object, **options: object) -> None:
        self.console = Console(file=self.stdout)  # type: ignore[arg-type]
        project = find_project(str(options["project"]))
        actor = getpass.getuser()[:150]
        done = Train().execute(project, {"reason": ""}, Caller(actor, Via.COMMAND))
        run: TrainingRun = done.row
        joined = f"joined run {run.pk}.{follow_up_text(run)}"
        self._say(f"{project}: {f'queued run {run.pk}.' if done.is_new else joined}")
        if options["here"]:
            self._carry_out_here(run, actor)
            return
        if not _has_live_worker():
            self._say(
                "No training worker has sent a heartbeat lately: the run waits for one. "
                "Start it with `make run`, or carry the run out here with --here."
            )
            if not options["no_wait"]:
                sys.exit(_GOES_ON)
        if options["no_wait"]:
            return
        try:
            self._follow(run)
        except KeyboardInterrupt:
            self._leave(run, actor)
        self._finish(run)

    def _carry_out_here(self, run: TrainingRun, actor: str) -> None:
        """In a thread, so that it is followed and interrupted as a worker's run is."""
        thread = threading.Thread(target=_carry_out, args=(run.pk,))
        thread.start()
        try:
            self._follow(run)
            thread.join()  # the learning curve comes after the run
        except KeyboardInterrupt:
            with suppress(Refused):  # it has just ended
                runs.cancel(run.pk, actor=actor, reason="Ctrl-C in manage.py train")
            thread.join()
        run.refresh_from_db()
        self._finish(run)

    def _follow(self, run: TrainingRun) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
        )
        with Progress(*columns, TimeElapsedColumn(), console=self.console) as bar:
            shown = bar.add_task("queued", total=1.0)
            while True:
                run.refresh_from_db()
                bar.update(shown, completed=run.progress, description=run.phase or run.state)
                if not run.is_active:
                    return
                time.sleep(_POLL_S)

    def _leave(self, run: TrainingRun, actor: str) -> None:
        """Ctrl-C: ask whether to cancel; the run goes on otherwise."""
        if _confirmed("Cancel the run, too? [y/N] "):
            try:
                runs.cancel(run.pk, actor=actor, reason="Ctrl-C in manage.py train")
            except Refused as error:
                self._say(error.message)
            self._follow(run)
            return
        self._say(f"Run {run.pk} goes on. `manage.py train {run.project.uid}` joins it again.")
        sys.exit(_GOES_ON)

    def _finish(self, run: TrainingRun) -> None:
        self._say(f"Run {run.pk} {run.state}.")
        if run.same_as is not None:
            self._say(f"Nothing new: the model is {run.same_as.label} again, which serves.")
        elif run.state == RunState.SUCCEEDED:
            self.console.print(metrics_table(run.version))
            serves = Project.objects.get(pk=run.project_id).champion_id == run.version.pk
            self._say(f"{run.version.label} {'serves now' if serves else 'was not promoted'}.")
        elif run.error:
            self._say(f"{run.error} {run.hint}".strip())
        if status := _STATUS[RunState(run.state)]:
            sys.exit(status)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _carry_out(run_id: int) -> None:
    """Carries out the run, unless a worker has claimed it first."""
    try:
        carry_out(run_id, worker_name())
    finally:
        connections.close_all()


def _has_live_worker() -> bool:
    return Worker.objects.live().filter(cluster=queue.TRAINING).exists()


def _confirmed(question: str) -> bool:
    """Asks at the terminal; False where there is none."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except (EOFError, KeyboardInterrupt):
        return False


def metrics_table(version: ModelVersion) -> Table:
    """One row per target and metric over all classes; then one per class with its F1."""
    table = Table(title=f"{version.label} on the holdout")
    for column in ("target", "metric"):
        table.add_column(column)
    table.add_column("value", justify="right")
    table.add_column("beside a baseline")
    table.add_column("n", justify="right")
    metrics = list(version.metrics.filter(split="holdout").order_by("target", "pk"))
    found = {(m.target, m.name): m.value for m in metrics if m.is_whole}
    for metric in metrics:
        if metric.name in NO_ROW or not (metric.is_whole or metric.name == "f1"):
            continue
        name = f"{metric.name} of {metric.label}" if metric.label else metric.name
        known = metric_info(metric.name)
        beside = None if metric.label else found.get((metric.target, known.baseline))
        table.add_row(
            metric.target or "all",
            name,
            _decimals(metric.value),
            f"{_decimals(beside)} ({known.baseline_title})" if beside is not None else "",
            str(metric.n),
        )
    for target in version.targets.filter(trained=False):
        table.add_row(target.name, "not trained", target.untrained_reason, "", "")
    return table


def _decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
