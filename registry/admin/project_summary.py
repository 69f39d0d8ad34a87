"""A project's summary as named facts and texts, for the home page and the project's page."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.actions import label_renames
from registry.actions.operator.new_key import NewKey
from registry.engine import engine
from registry.formatting import interval_and_n
from registry.metrics import title
from registry.models import Event, Project
from registry.reports.project_summary import PREQUENTIAL_DAYS, ProjectSummary
from registry.statistics import PROPORTION_MIN_N, Proportion

from .markup import ago
from .navigation import list_url, page_url

_CONTROLS_SHOWN = 10
_MOVES = {"promote": "promoted", "roll_back": "rolled back to", "fall_back": "fallen back to"}


@dataclass(frozen=True)
class Fact:
    """A name, its value, a note, and a link."""

    name: str
    value: str
    note: str = ""
    href: str = ""


def facts_of_project(user: AbstractBaseUser | AnonymousUser, summary: ProjectSummary) -> list[Fact]:
    """The facts at the top of the project's page."""
    project, version, run = summary.project, summary.champion, summary.last_run
    connect = reverse("admin:registry_project_connect", args=[project.pk])
    paste = "Create the URL to paste" if NewKey().allowed(user) else "How to connect"
    return [
        Fact(
            "Champion",
            version.label if version else "none yet",
            champion_since(summary) if version else unserved_reason(summary),
            page_url(version) if version else "",
        ),
        Fact("Primary metric", primary_value(summary), primary_note(summary)),
        Fact(
            f"Accuracy, last {PREQUENTIAL_DAYS} days",
            prequential_share(summary),
            prequential_interval(summary.prequential),
        ),
        Fact(
            "Last run",
            run.get_state_display() if run else "none yet",
            run_note(summary),
            page_url(run) if run else "",
        ),
        Fact(
            "Labels since the last run", label_count(summary.changed), training_condition(summary)
        ),
        Fact(
            "Events today",
            f"{summary.events_today:,}",
            "",
            list_url(Event, project__id__exact=project.pk),
        ),
        Fact("Label Studio", summary.connection, connection_note(summary)),
        Fact("To paste into Label Studio", "URL with a key", paste, connect),
        *_archived(project),
        *_unserved(project),
        *_renames(project),
    ]


def _archived(project: Project) -> list[Fact]:
    if project.archived_at is None:
        return []
    note = "It neither trains by itself nor is it read from Label Studio."
    return [Fact("Archived", ago(project.archived_at), note)]


def _unserved(project: Project) -> list[Fact]:
    """The controls that no pipeline fills, each with the reason."""
    found = engine().unserved_controls(project)
    facts = [Fact("Not served", one["control"], one["message"]) for one in found[:_CONTROLS_SHOWN]]
    more = len(found) - len(facts)
    return [*facts, Fact("Not served", f"{more:,} more")] if more else facts


def _renames(project: Project) -> list[Fact]:
    """The labels that may have been renamed, and those that were; none of either: nothing."""
    offered = [rename.text for rename in label_renames.offers(project)]
    confirmed = [rename.text for rename in label_renames.confirmed(project)]
    facts = []
    if offered:
        note = "Label renamed keeps what was learned of it. Without it the old label is dropped."
        facts.append(Fact("A label renamed?", "; ".join(offered), note))
    if confirmed:
        facts.append(Fact("Renamed labels", "; ".join(confirmed)))
    return facts


def champion_since(summary: ProjectSummary) -> SafeString | str:
    """The last move to the champion: action, time and actor."""
    move = summary.last_move
    if move is None:
        return ""
    return format_html("{} {} by {}", _MOVES.get(move.verb, move.verb), ago(move.at), move.actor)


def primary_value(summary: ProjectSummary) -> str:
    """The champion's primary metric, three decimals."""
    return "not evaluated" if summary.primary is None else f"{summary.primary:.3f}"


def primary_note(summary: ProjectSummary) -> str:
    """The metric's name, the baseline, the 95 % interval and n; of few tasks a mark."""
    if summary.primary is None:
        return ""
    baseline = "" if summary.baseline is None else f"baseline {summary.baseline:.3f}, "
    beside = interval_and_n(summary.primary_interval, summary.primary_n)
    return f"{title(summary.metric)}, {baseline}{beside}"


def prequential_share(summary: ProjectSummary) -> str:
    """The prequential accuracy; "too few" below 20 outcomes."""
    return "too few" if summary.prequential.share is None else f"{summary.prequential.share:.0%}"


def prequential_interval(proportion: Proportion) -> str:
    """The 95 % interval and n."""
    if proportion.interval is None:
        return f"{proportion.n} of {PROPORTION_MIN_N} outcomes"
    low, high = proportion.interval
    return f"{low:.0%} to {high:.0%}, n\xa0=\xa0{proportion.n:,}"


def label_count(n: int) -> str:
    """`1 label`, `1,200 labels`."""
    return "1 label" if n == 1 else f"{n:,} labels"


def training_condition(summary: ProjectSummary) -> str:
    """When the policy will train."""
    reason = summary.policy_reason
    waits = summary.policy.get("state") in {"labels", "classes", "changes"}
    return f"trains after {reason}" if waits else reason


def unserved_reason(summary: ProjectSummary) -> str:
    """Why no pipeline serves the project; "" if one does."""
    project = summary.project
    return "" if project.pipeline else project.unserved_reason or "no label config yet"


def run_note(summary: ProjectSummary) -> str:
    """The last run's error, or its age."""
    run = summary.last_run
    if run is None:
        return ""
    return run.error[:200] or ago(run.ended_at or run.created_at)


def connection_note(summary: ProjectSummary) -> str:
    """The failed step of the last connection check, or its time."""
    step = summary.project.failed_step
    if step:
        return f"{step['step']}: {step.get('detail') or 'failed'}"[:200]
    at = summary.project.connection_checked_at
    return ago(at) if at else ""
