"""The context of a run's page: progress, dataset, candidates, statements and error."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import F, Value
from django.db.models.functions import Length, Substr
from django.template.loader import render_to_string
from django.utils import timezone

from registry import queue
from registry.actions.operator.train import follow_up_text
from registry.actions.runs import LOG_MAX_CHARACTERS
from registry.formatting import (
    compared_tasks,
    format_3dp,
    image_counts_text,
    interval,
    signed,
)
from registry.metrics import title
from registry.models import AuditEntry, TrainingRun, Worker
from registry.models.run import ACTIVE_STATES, RunState
from registry.permissions import may_view
from registry.promotion import CLEARLY_WORSE, wrong_share
from registry.reports.series import candidate_metric

from .markup import RUN_COLOURS, ago, duration, state_badge
from .navigation import link

_MOST_STATEMENTS = 200
_LONG = ("log", "statements", "candidates", "comparison", "parameters", "dataset_counts")


@dataclass(frozen=True)
class Phase:
    """A phase of the run; `seconds` of an open one count until now. `share` within 0..100."""

    name: str
    seconds: float
    is_open: bool
    share: float


@dataclass(frozen=True)
class ComparisonRow:
    """The run's version and the champion on the same tasks, for one or all targets."""

    name: str
    candidate: str
    champion: str
    difference: str
    interval: str
    n: int


def context(user: AbstractBaseUser | AnonymousUser, run: TrainingRun) -> dict[str, Any]:
    """The context of the page."""
    audit_entries = AuditEntry.objects.filter(run=run).select_related(
        "version", "from_version", "to_version"
    )
    return {
        **head(run),
        "version": link(getattr(run, "version", None)),
        "project": link(run.project),
        "retry_of": link(run.retry_of) if run.retry_of else "",
        "same_as": link(run.same_as) if run.same_as else "",
        "facts": _facts(run),
        **training_details(run),
        "comparison_rows": list(_comparison_rows(run.comparison)),
        "comparison": run.comparison,
        "compared_tasks": compared_tasks(run.comparison),
        "wrong_promotions": _wrong_promotions(run),
        "audit_entries": [
            (link(entry, entry.verb.replace("_", " ")), entry, ago(entry.at))
            for entry in audit_entries[:10]
        ]
        if may_view(user, AuditEntry)
        else [],
        "log_length": len(run.log),
    }


def training_details(run: TrainingRun) -> dict[str, Any]:
    """The run's dataset, candidates and statements; also shown on its version's page."""
    metrics = {candidate_metric(candidate) for candidate in run.candidates}
    return {
        "run": run,
        "candidates": sorted(run.candidates, key=lambda c: c.get("target") or ""),
        "candidates_metric": ", ".join(sorted(map(title, metrics))),
        # Clusters are scored on the images that they consist of.
        "is_cross_validated": metrics == {"macro_f1"},
        "dataset": list(_dataset(run.dataset_counts)),
        "images": images(run),
        "statements": run.statements[:_MOST_STATEMENTS],
        "statements_n": len(run.statements),
        "more_statements": max(len(run.statements) - _MOST_STATEMENTS, 0),
        "statements_s": sum(s.get("seconds") or 0 for s in run.statements),
    }


def images(run: TrainingRun) -> str:
    """The counts of its images as text; "" without images."""
    counts = run.dataset_counts.get("images")
    return image_counts_text(counts) if counts else ""


def head(run: TrainingRun) -> dict[str, Any]:
    """The part of the page that is refreshed while the run is active."""
    return {
        "run": run,
        "state": state_badge(run.get_state_display(), RUN_COLOURS.get(run.state, "")),
        "activity": _activity(run),
        "percent": int(run.progress * 100),
        "elapsed": _elapsed(run),
        "phases": phases(run),
        "queue_note": _queue_note(run),
        "follow_up": follow_up_text(run).strip(),
    }


def progress(run_id: int, offset: int) -> dict[str, Any] | None:
    """The changes since `offset` characters of the log; None for an unknown run.

    Reads only the end of the log. Once its beginning was cut off, offsets no longer match, and
    the whole log is sent.
    """
    rows = TrainingRun.objects.defer(*_LONG).annotate(
        length=Length("log"), tail=Substr(F("log"), Value(offset + 1))
    )
    run = rows.filter(pk=run_id).first()
    if run is None:
        return None
    length, tail, whole = vars(run)["length"], vars(run)["tail"], offset == 0
    if offset > length or length >= LOG_MAX_CHARACTERS:
        tail, whole = TrainingRun.objects.values_list("log", flat=True).get(pk=run_id), True
    return {
        "state": run.state,
        "ended": not run.is_active,
        "percent": int(run.progress * 100),
        "activity": _activity(run),
        "head": render_to_string("registry/run/head.html", head(run)),
        "log": {"text": tail, "length": length, "whole": whole},
    }


def phases(run: TrainingRun) -> list[Phase]:
    """The run's phases in order, each with its share of the longest."""
    timed = [
        (str(p.get("name", "")), _seconds(p, run), p.get("seconds") is None and run.is_active)
        for p in run.phases
    ]
    longest = max((seconds for _, seconds, _ in timed), default=0.0) or 1.0
    return [
        Phase(name, seconds, is_open, 100 * seconds / longest) for name, seconds, is_open in timed
    ]


def _seconds(phase: dict[str, Any], run: TrainingRun) -> float:
    if phase.get("seconds") is not None:
        return float(phase["seconds"])
    began = datetime.fromisoformat(phase["started_at"])
    until = run.ended_at or (timezone.now() if run.is_active else began)
    return max((until - began).total_seconds(), 0.0)


def _elapsed(run: TrainingRun) -> str:
    return duration(run.started_at, run.ended_at or timezone.now()) if run.started_at else "–"


def _activity(run: TrainingRun) -> str:
    """The current state of the run in one line."""
    if run.is_active and run.cancel_requested:
        return "cancellation requested"
    if run.state == RunState.QUEUED:
        return "waiting for a worker"
    if run.state == RunState.RUNNING:
        return run.phase or "starting"
    if run.state == RunState.FAILED and run.phase:
        return f"failed while {run.phase}"
    return run.get_state_display().lower()


def _queue_note(run: TrainingRun) -> str:
    """Why a queued run has not started; "" in other states."""
    if run.state != RunState.QUEUED:
        return ""
    if not Worker.objects.live().filter(cluster=queue.TRAINING).exists():
        return (
            "No training worker is running. Start one: make run starts all processes, "
            "python -m evals_backend.serve training only the worker."
        )
    active = TrainingRun.objects.filter(state__in=ACTIVE_STATES, cancel_requested=False)
    before = active.filter(pk__lt=run.pk).count()
    if before:
        return f"{before} run{'s' if before > 1 else ''} of other projects in the queue before it."
    return "A worker starts it within seconds."


def _facts(run: TrainingRun) -> list[tuple[str, Any]]:
    """Trigger, times, worker and parameters, as names and values."""
    parameters = run.parameters or {}
    budget = parameters.get("time_budget_s")
    return [
        ("Kind", run.get_kind_display().lower()),
        ("Started by", run.get_trigger_display() + (f", {run.actor}" if run.actor else "")),
        ("Queued", ago(run.created_at)),
        ("Time in the queue", duration(run.created_at, run.started_at)),
        ("Last heartbeat", ago(run.heartbeat_at)),
        ("Worker", run.worker or "–"),
        ("Seed", parameters.get("seed", "–")),
        ("Time budget", f"{budget} s" if budget else "–"),
    ]


def _comparison_rows(comparison: dict[str, Any]) -> Iterable[ComparisonRow]:
    if not comparison:
        return
    targets = comparison.get("targets") or {}
    rows = [("all targets" if len(targets) != 1 else next(iter(targets)), comparison)]
    rows += list(targets.items()) if len(targets) > 1 else []
    for name, numbers in rows:
        yield ComparisonRow(
            name=f"{name}: {title(numbers.get('metric', ''))}",
            candidate=format_3dp(numbers.get("candidate")),
            champion=format_3dp(numbers.get("champion")),
            difference=signed(numbers.get("difference")),
            interval=interval(numbers.get("interval")),
            n=numbers.get("n") or 0,
        )


def _wrong_promotions(run: TrainingRun) -> str:
    """How often the project's rule errs on so many tasks; "" where it is not known."""
    share = wrong_share(run.project.promotion_rule, run.comparison)
    if share is None:
        return ""
    return (
        f"On so many tasks the project's rule promotes {share:.0%} of the versions that are "
        f"{CLEARLY_WORSE} worse than the champion, by chance."
    )


def _dataset(counts: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any], list[tuple]]]:
    """Each target with its counts, and its classes with their counts in each split."""
    for name, numbers in (counts.get("targets") or {}).items():
        by_split = numbers.get("classes") or {}
        train, holdout = by_split.get("train") or {}, by_split.get("holdout") or {}
        classes = [(c, train.get(c, 0), holdout.get(c, 0)) for c in sorted({*train, *holdout})]
        yield name, numbers, classes
