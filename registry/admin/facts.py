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
from registry.reports.glance import PREQUENTIAL_DAYS, Glance

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


def of_project(user: AbstractBaseUser | AnonymousUser, glance: Glance) -> list[Fact]:
    """What stands at the top of the project's page."""
    project, version, run = glance.project, glance.champion, glance.last_run
    connect = reverse("admin:registry_project_connect", args=[project.pk])
    paste = "Make the URL to paste" if NewKey().allowed(user) else "How to connect"
    return [
        Fact(
            "Champion",
            version.label if version else "none yet",
            since(glance) if version else unserved(glance),
            page_url(version) if version else "",
        ),
        Fact("Primary metric", primary(glance), beside(glance)),
        Fact(
            f"Accuracy, last {PREQUENTIAL_DAYS} days", share(glance), interval(glance.prequential)
        ),
        Fact(
            "Last run",
            run.get_state_display() if run else "none yet",
            ended(glance),
            page_url(run) if run else "",
        ),
        Fact("Not yet learned from", labels(glance.changed), trains(glance)),
        Fact(
            "Events today",
            f"{glance.events_today:,}",
            "",
            list_url(Event, project__id__exact=project.pk),
        ),
        Fact("Label Studio", glance.connection, checked(glance)),
        Fact("To paste into Label Studio", "URL with a key", paste, connect),
    ]


def since(glance: Glance) -> SafeString | str:
    """How the champion came to be it: what act, when, by whom."""
    move = glance.last_move
    if move is None:
        return ""
    return format_html("{} {} by {}", _DONE.get(move.verb, move.verb), ago(move.at), move.actor)


def primary(glance: Glance) -> str:
    """The champion's, to three places."""
    return "not judged" if glance.primary is None else f"{glance.primary:.3f}"


def beside(glance: Glance) -> str:
    """What it is, the baseline, and of how many."""
    if glance.primary is None:
        return ""
    baseline = "" if glance.baseline is None else f"baseline {glance.baseline:.3f}, "
    return f"{title(glance.metric)}, {baseline}n = {glance.primary_n:,}"


def share(glance: Glance) -> str:
    """How often what served was right lately; never of too few."""
    return "too few" if glance.prequential.share is None else f"{glance.prequential.share:.0%}"


def interval(standing: Standing) -> str:
    """The 95 % interval, and of how many."""
    if standing.interval is None:
        return f"{standing.n} of {ENOUGH} answers"
    low, high = standing.interval
    return f"{low:.0%} to {high:.0%}, n\xa0=\xa0{standing.n:,}"


def labels(n: int) -> str:
    """A count of labels."""
    return "1 label" if n == 1 else f"{n:,} labels"


def trains(glance: Glance) -> str:
    """When the policy will train, as the policy says it."""
    reason = glance.policy_reason
    waits = glance.policy.get("state") in {"labels", "classes", "changes"}
    return f"trains after {reason}" if waits else reason


def unserved(glance: Glance) -> str:
    """Why nothing could serve, if nothing can."""
    project = glance.project
    return "" if project.pipeline else project.unserved_reason or "no label config yet"


def ended(glance: Glance) -> str:
    """Why the last run failed, or how long ago it was."""
    run = glance.last_run
    if run is None:
        return ""
    return run.error[:200] or ago(run.ended_at or run.created_at)


def checked(glance: Glance) -> str:
    """The step that failed when Label Studio was last tried, or when that was."""
    step = glance.failed_step
    if step:
        return f"{step['step']}: {step.get('detail') or 'failed'}"[:200]
    at = glance.project.connection_checked_at
    return ago(at) if at else ""
