"""A project's standing in a few named facts, in the words that home and project page share."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.accuracy import ENOUGH, Standing
from registry.actions.operator.new_key import NewKey
from registry.metrics import title
from registry.models import Event
from registry.reports.project_summary import PREQUENTIAL_DAYS, ProjectSummary

from .base import list_url, page_url
from .labels import ago

_DONE = {"promote": "promoted", "roll_back": "rolled back to", "fall_back": "fallen back to"}


@dataclass(frozen=True)
class Fact:
    """A name, what it is, what to know beside it, and where it leads."""

    name: str
    value: str
    note: str = ""
    href: str = ""


def of_project(user: AbstractBaseUser | AnonymousUser, summary: ProjectSummary) -> list[Fact]:
    """What stands at the top of the project's page."""
    project, version, run = summary.project, summary.champion, summary.last_run
    connect = reverse("admin:registry_project_connect", args=[project.pk])
    paste = "Make the URL to paste" if NewKey().allowed(user) else "How to connect"
    return [
        Fact(
            "Champion",
            version.label if version else "none yet",
            since(summary) if version else unserved(summary),
            page_url(version) if version else "",
        ),
        Fact("Primary metric", primary(summary), beside(summary)),
        Fact(
            f"Accuracy, last {PREQUENTIAL_DAYS} days", share(summary), interval(summary.prequential)
        ),
        Fact(
            "Last run",
            run.get_state_display() if run else "none yet",
            ended(summary),
            page_url(run) if run else "",
        ),
        Fact("Not yet learned from", labels(summary.changed), trains(summary)),
        Fact(
            "Events today",
            f"{summary.events_today:,}",
            "",
            list_url(Event, project__id__exact=project.pk),
        ),
        Fact("Label Studio", summary.connection, checked(summary)),
        Fact("To paste into Label Studio", "URL with a key", paste, connect),
    ]


def since(summary: ProjectSummary) -> SafeString | str:
    """How the champion came to be it: what act, when, by whom."""
    move = summary.last_move
    if move is None:
        return ""
    return format_html("{} {} by {}", _DONE.get(move.verb, move.verb), ago(move.at), move.actor)


def primary(summary: ProjectSummary) -> str:
    """The champion's, to three places."""
    return "not judged" if summary.primary is None else f"{summary.primary:.3f}"


def beside(summary: ProjectSummary) -> str:
    """What it is, the baseline, and of how many."""
    if summary.primary is None:
        return ""
    baseline = "" if summary.baseline is None else f"baseline {summary.baseline:.3f}, "
    return f"{title(summary.metric)}, {baseline}n = {summary.primary_n:,}"


def share(summary: ProjectSummary) -> str:
    """How often what served was right lately; never of too few."""
    return "too few" if summary.prequential.share is None else f"{summary.prequential.share:.0%}"


def interval(standing: Standing) -> str:
    """The 95 % interval, and of how many."""
    if standing.interval is None:
        return f"{standing.n} of {ENOUGH} answers"
    low, high = standing.interval
    return f"{low:.0%} to {high:.0%}, n\xa0=\xa0{standing.n:,}"


def labels(n: int) -> str:
    """A count of labels."""
    return "1 label" if n == 1 else f"{n:,} labels"


def trains(summary: ProjectSummary) -> str:
    """When the policy will train, as the policy says it."""
    reason = summary.policy_reason
    waits = summary.policy.get("state") in {"labels", "classes", "changes"}
    return f"trains after {reason}" if waits else reason


def unserved(summary: ProjectSummary) -> str:
    """Why nothing could serve, if nothing can."""
    project = summary.project
    return "" if project.pipeline else project.unserved_reason or "no label config yet"


def ended(summary: ProjectSummary) -> str:
    """Why the last run failed, or how long ago it was."""
    run = summary.last_run
    if run is None:
        return ""
    return run.error[:200] or ago(run.ended_at or run.created_at)


def checked(summary: ProjectSummary) -> str:
    """The step that failed when Label Studio was last tried, or when that was."""
    step = summary.failed_step
    if step:
        return f"{step['step']}: {step.get('detail') or 'failed'}"[:200]
    at = summary.project.connection_checked_at
    return ago(at) if at else ""
