"""Lists training runs."""

from argparse import ArgumentParser
from typing import Any

from registry.management.cli import ReportCommand, Row, add_project, find_project, minute
from registry.models import ModelVersion, TrainingRun
from registry.models.run import RunState


class Command(ReportCommand):
    """`runs [PROJECT] [--state STATE] [--limit N] [--json]`."""

    help = "Lists training runs, newest first: of one project, or of all."

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the project, the state and the limit."""
        add_project(parser, optional=True)
        parser.add_argument("--state", choices=RunState.values)
        parser.add_argument("--limit", type=int, default=20, help="how many at most (20)")

    def show(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """The runs, newest first; at most five queries."""
        runs = TrainingRun.objects.order_by("-id").defer("log", "statements", "candidates")
        if options["project"]:
            runs = runs.filter(project=find_project(options["project"]))
        if options["state"]:
            runs = runs.filter(state=options["state"])
        newest = list(runs.prefetch_related("project", "same_as")[: max(options["limit"], 0)])
        made = ModelVersion.objects.filter(run__in=newest).values_list("run", "label")
        versions = dict(made)
        return [_run(run, versions.get(run.pk)) for run in newest]

    def print(self, values: Any) -> None:
        """A table."""
        self.table(
            values,
            {
                "run": lambda r: r["id"],
                "project": lambda r: r["title"] or r["project"],
                "kind": lambda r: r["kind"],
                "state": lambda r: r["state"],
                "progress": lambda r: f"{r['progress']:.0%}",
                "started by": lambda r: r["trigger"],
                "version": lambda r: r["version"] or _nothing_new(r),
                "queued": lambda r: minute(r["created_at"]),
                "error": lambda r: r["error"] and f"{r['error_code']}: {r['error']}",
            },
        )


def _nothing_new(run: Row) -> str | None:
    return f"nothing new: {run['same_as']}" if run["same_as"] else None


def _run(run: TrainingRun, version: str | None) -> dict[str, Any]:
    return {
        "id": run.pk,
        "project": run.project.uid,
        "title": run.project.title,
        "kind": run.kind,
        "state": run.state,
        "phase": run.phase,
        "progress": run.progress,
        "trigger": run.trigger,
        "actor": run.actor,
        "version": version,
        "same_as": run.same_as.label if run.same_as else None,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "error_code": run.error_code,
        "error": run.error,
        "hint": run.hint,
    }
