"""Lists the projects with their champions and metrics, and the alerts."""

from typing import Any

from registry.formatting import share_interval
from registry.management.cli import ReportCommand, Row, number, sample
from registry.metrics import title
from registry.models import Project
from registry.reports.project_summary import Alert, ProjectSummary, alerts, project_summaries


class Command(ReportCommand):
    """`projects [--json]`."""

    help = "Lists the projects: their champions beside the baseline, and what needs attention."

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The projects, and the alerts, most urgent first."""
        summaries = project_summaries(Project.objects.all())
        return {
            "projects": [_project(summary) for summary in summaries],
            "attention": [_alert(alert) for alert in alerts(summaries)],
        }

    def print(self, values: Any) -> None:
        """Prints a table of the projects, then a line per alert."""
        self.table(
            values["projects"],
            {
                "id": lambda p: p["id"],
                "uid": lambda p: p["uid"],
                "title": lambda p: p["title"],
                "champion": lambda p: p["champion"],
                "primary": lambda p: number(p["primary"]),
                "metric": lambda p: p["primary_metric"] and title(p["primary_metric"]),
                "95 %": lambda p: p["primary_interval"] and share_interval(p["primary_interval"]),
                "n": lambda p: sample(p["primary_n"]),
                "baseline": lambda p: number(p["baseline"]),
                "7 days": _prequential,
                "last run": lambda p: p["last_run"] and p["last_run"]["state"],
                "Label Studio": lambda p: p["connection"],
                "policy": lambda p: p["policy"],
            },
        )
        for alert in values["attention"]:
            where = f"{alert['project']}: " if alert["project"] else ""
            message = alert["message"].rstrip()
            end = "" if message.endswith((".", "!", "?")) else "."
            self.say(f"! {where}{message}{end} {alert['cure']}".rstrip())


def _prequential(project: Row) -> str | None:
    """The share with n; below 20 answers n only."""
    proportion = project["prequential"]
    if proportion["share"] is None:
        return f"n = {proportion['n']}" if proportion["n"] else None
    return f"{proportion['share']:.3f} (n = {proportion['n']})"


def _project(summary: ProjectSummary) -> dict[str, Any]:
    project, run, proportion = summary.project, summary.last_run, summary.prequential
    return {
        "id": project.pk,
        "uid": project.uid,
        "title": project.title,
        "champion": summary.champion.label if summary.champion else None,
        "primary": summary.primary,
        "primary_metric": summary.metric or None,
        "primary_interval": summary.primary_interval,
        "primary_n": summary.primary_n,
        "baseline": summary.baseline,
        "prequential": {
            "n": proportion.n,
            "share": proportion.share,
            "interval": list(proportion.interval) if proportion.interval else None,
        },
        "last_run": {"id": run.pk, "state": run.state} if run else None,
        "events_today": summary.events_today,
        "changed_labels": summary.changed,
        "policy": summary.policy_reason,
        "connection": summary.connection,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    project = alert.project.uid if alert.project else None
    return {"code": alert.code, "message": alert.message, "cure": alert.cure, "project": project}
