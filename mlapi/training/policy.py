"""When a project trains by itself: enough labels, enough changed ones, and a moment of quiet.

It reads tables of the registry only, yet it is not beside `registry.promotion`: the defaults,
what is counted and the label that is waited for are the pipelines', by the project's label
config and options. A copy of them on the project would go stale with each option and release.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from mlapi.training.policy_inputs import Facts, facts_of
from registry.actions import projects, runs
from registry.models import Project, TrainingRun

ACTOR = "policy"


@dataclass(frozen=True)
class Decision:
    """What the policy makes of a project at a moment.

    `state` is one of off, unserved, active, labels, classes, changes, quiet, due.
    `trigger` is set when it is due. Counts that the decision did not need are None.
    """

    state: str
    reason: str
    trigger: str = ""
    usable: int | None = None
    changed: int | None = None
    needed: int | None = None
    run_id: int | None = None


def consider(project: Project, now: datetime | None = None) -> TrainingRun | None:
    """Start the run that the project's policy asks for, if it does.

    Also keeps since when the policy waits for quiet. A second caller at the same moment
    gets None: the database allows one active run.
    """
    now = now or timezone.now()
    project = Project.objects.select_related("champion").get(pk=project.pk)
    decision = decide(project, now)
    if decision.state == "quiet":
        if project.threshold_reached_at is None:
            projects.mark_threshold(project, now)
        return None
    if project.threshold_reached_at is not None:
        projects.mark_threshold(project, None)
    if decision.state != "due":
        return None
    run, created = runs.start(project, trigger=decision.trigger, actor=ACTOR)
    return run if created else None


def statuses(projects: Sequence[Project], now: datetime | None = None) -> dict[int, dict[str, Any]]:
    """By project id how near each is to its next run, for people; the queries of `facts_of`.

    Usable labels are not counted where no decision depends on them: `usable` is None then.
    """
    now = now or timezone.now()
    return {facts.project.pk: _status(facts, now) for facts in facts_of(projects)}


def decide(project: Project, now: datetime) -> Decision:
    """The decision of the project's policy (docs/pipelines.md). Only reads."""
    (facts,) = facts_of([project])
    return _decide(facts, now)


def _decide(facts: Facts, now: datetime) -> Decision:
    if not facts.policy["enabled"]:
        return Decision("off", "the policy is switched off; start training by hand")
    if not facts.project.pipeline:
        return Decision("unserved", "no pipeline can serve this label config")
    active = facts.active
    if active:
        return Decision("active", f"run {active.pk} is {active.state}", run_id=active.pk)
    if facts.config_changed:
        return _first(facts) or Decision(
            "due", "the label config changed", trigger=TrainingRun.Trigger.CONFIG
        )
    if facts.last is not None and _had_enough(facts, facts.last):
        blocked, reason = _later(facts, facts.last), "enough labels changed"
    else:
        blocked, reason = _first(facts), "enough labels for the first training"
    if blocked:
        return blocked
    return _quiet(facts, now) or Decision("due", reason, trigger=TrainingRun.Trigger.POLICY)


def _status(facts: Facts, now: datetime) -> dict[str, Any]:
    return {
        **asdict(_decide(facts, now)),
        "changed": facts.changed,
        "enabled": facts.policy["enabled"],
    }


def _had_enough(facts: Facts, last: TrainingRun) -> bool:
    """Whether the next run is a later one: a version exists, or a run had the labels and failed."""
    return facts.has_version or last.dataset_counts.get("tasks", 0) >= facts.policy["first_labels"]


def _first(facts: Facts) -> Decision | None:
    """Why the first training (of this config) has to wait, or None."""
    policy = facts.policy
    needed = policy["first_labels"]
    usable = facts.usable
    if usable < needed:
        reason = _more(needed - usable, facts.noun)
        return Decision("labels", reason, usable=usable, changed=usable, needed=needed)
    if not facts.has_classes:
        return Decision("classes", _classes_needed(facts), needed=needed)
    if facts.last and not facts.config_changed and not facts.changed:
        reason = f"1 more {facts.noun} since the last run"
        return Decision("changes", reason, changed=0, needed=1)
    return None


def _later(facts: Facts, last: TrainingRun) -> Decision | None:
    """Why a later training has to wait, or None. Counts by the index on labels_changed_at."""
    policy = facts.policy
    share = math.ceil(policy["changed_share"] * last.dataset_counts.get("tasks", 0))
    needed = max(policy["changed_min"], share)
    if facts.changed < needed:
        reason = _more(needed - facts.changed, f"changed {facts.noun}")
        return Decision("changes", reason, changed=facts.changed, needed=needed)
    return None


def _classes_needed(facts: Facts) -> str:
    if facts.required:
        return f"a task with the label {' or '.join(facts.required.values())}"
    policy = facts.policy
    return f"{policy['first_classes']} classes with {policy['first_per_class']} labels each"


def _quiet(facts: Facts, now: datetime) -> Decision | None:
    """Whether people are still labelling; they are waited for, but not for ever."""
    project, policy = facts.project, facts.policy
    if facts.changed_at is None:
        return None
    if now - facts.changed_at >= timedelta(seconds=policy["quiet_s"]):
        return None
    since = project.threshold_reached_at
    if since and now - since >= timedelta(seconds=policy["wait_max_s"]):
        return None
    return Decision("quiet", "waiting for quiet: labels are still changing")


def _more(n: int, what: str) -> str:
    return f"{n} more {what}{'' if n == 1 else 's'}"
