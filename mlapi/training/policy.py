"""The training policy: starts a run once enough labels exist or changed and labelling is quiet.

It reads tables of the registry only, yet it is not beside `registry.promotion`: the defaults,
what is counted and the required label depend on the pipeline, by the project's label config
and options. A copy of them on the project would go stale with each option and release.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from mlapi.training.policy_inputs import PolicyInputs, policy_inputs_of
from registry.actions import projects, run_starts, tasks
from registry.formatting import reading_text
from registry.models import Project, TrainingRun
from registry.models.project import default_policy

ACTOR = "policy"
QUIET_IF_QUICK_S = 1
# So many usable labels suffice for a first version while Label Studio is still being read.
ENOUGH_FOR_NOW = 2_000


@dataclass(frozen=True)
class PolicyDecision:
    """The policy's decision about a project at a moment.

    `state` is one of off, unserved, active, reading, labels, classes, changes, quiet, due.
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
    """Starts a run if the project's policy decides so; returns it.

    Stores when the training threshold was reached. A second caller at the same moment gets
    None: the database allows one active run.
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
    run, created = run_starts.start(project, trigger=decision.trigger, actor=ACTOR)
    return run if created else None


def statuses(projects: Sequence[Project], now: datetime | None = None) -> dict[int, dict[str, Any]]:
    """By project id the decision as a dictionary, for people; as many queries as its inputs.

    Usable labels are not counted where no decision depends on them: `usable` is None then.
    """
    now = now or timezone.now()
    return {inputs.project.pk: _status(inputs, now) for inputs in policy_inputs_of(projects)}


def decide(project: Project, now: datetime) -> PolicyDecision:
    """The decision of the project's policy (docs/pipelines.md); only reads."""
    (inputs,) = policy_inputs_of([project])
    return _decide(inputs, now)


def _decide(inputs: PolicyInputs, now: datetime) -> PolicyDecision:
    if inputs.project.archived_at:
        return PolicyDecision("off", "the project is archived; start training by hand")
    if not inputs.policy["enabled"]:
        return PolicyDecision("off", "the policy is switched off; start training by hand")
    if not inputs.project.pipeline:
        return PolicyDecision("unserved", "no pipeline can serve this label config")
    active = inputs.active
    if active:
        return PolicyDecision("active", f"run {active.pk} is {active.state}", run_id=active.pk)
    if inputs.is_served_untrained:
        reason = "a model is named that predicts before it has learned"
        return PolicyDecision("due", reason, trigger=TrainingRun.Trigger.PRETRAINED)
    if inputs.project.is_being_read:
        return _while_reading(inputs)
    if inputs.config_changed:
        return _first(inputs) or PolicyDecision(
            "due", "the label config changed", trigger=TrainingRun.Trigger.CONFIG
        )
    if inputs.left:
        left = " and ".join(f"{n:,} {name}" for name, n in inputs.left.items())
        reason = f"the first version came sooner without the vectors of {left}"
        return PolicyDecision("due", reason, trigger=TrainingRun.Trigger.POLICY)
    if inputs.last is not None and _had_enough(inputs, inputs.last):
        # What failed for want of a second class fails again with more labels of the first.
        lacks_classes = not inputs.has_version and not inputs.has_classes
        blocked = _too_few_classes(inputs) if lacks_classes else _later(inputs, inputs.last)
        reason = "enough labels changed"
    else:
        blocked, reason = _first(inputs), "enough labels for the first training"
    if blocked:
        return blocked
    return _quiet(inputs, now) or PolicyDecision("due", reason, trigger=TrainingRun.Trigger.POLICY)


def is_enough_for_now(project: Project) -> bool:
    """Whether a first version can be trained before the rest of the tasks has been read."""
    labelled = tasks.existing(project).filter(split__isnull=False).exclude(labels={})
    return len(labelled.values_list("pk")[:ENOUGH_FOR_NOW]) == ENOUGH_FOR_NOW


def _while_reading(inputs: PolicyInputs) -> PolicyDecision:
    """One version is trained before all is read; its quiet is not waited for: pages go on."""
    reason = reading_text(inputs.project.read_so_far)
    tried = inputs.last and inputs.last.dataset_counts.get("tasks", 0) >= ENOUGH_FOR_NOW
    enough = inputs.usable >= inputs.policy["first_labels"] and is_enough_for_now(inputs.project)
    if inputs.has_version or tried or not enough:
        return PolicyDecision("reading", reason, needed=ENOUGH_FOR_NOW)
    if not inputs.has_classes:
        return _too_few_classes(inputs)
    reason = "enough labels for a first version while the others are read"
    return PolicyDecision("due", reason, trigger=TrainingRun.Trigger.POLICY)


def _status(inputs: PolicyInputs, now: datetime) -> dict[str, Any]:
    return {
        **asdict(_decide(inputs, now)),
        "changed": inputs.changed,
        "enabled": inputs.policy["enabled"],
    }


def _had_enough(inputs: PolicyInputs, last: TrainingRun) -> bool:
    """Whether the next run is a later one: a version exists, or a run had the labels and failed."""
    return (
        inputs.has_version or last.dataset_counts.get("tasks", 0) >= inputs.policy["first_labels"]
    )


def _first(inputs: PolicyInputs) -> PolicyDecision | None:
    """The decision that delays the first training on this config, or None."""
    policy = inputs.policy
    needed = policy["first_labels"]
    usable = inputs.usable
    if usable < needed:
        reason = _more(needed - usable, inputs.noun)
        return PolicyDecision("labels", reason, usable=usable, changed=usable, needed=needed)
    if not inputs.has_classes:
        return _too_few_classes(inputs)
    if inputs.last and not inputs.config_changed and not inputs.changed:
        reason = f"1 more {inputs.noun} since the last run"
        return PolicyDecision("changes", reason, changed=0, needed=1)
    return None


def _later(inputs: PolicyInputs, last: TrainingRun) -> PolicyDecision | None:
    """The decision that delays a later training, or None."""
    policy = inputs.policy
    share = math.ceil(policy["changed_share"] * last.dataset_counts.get("tasks", 0))
    needed = max(policy["changed_min"], share)
    if inputs.changed < needed:
        reason = _more(needed - inputs.changed, f"changed {inputs.noun}")
        return PolicyDecision("changes", reason, changed=inputs.changed, needed=needed)
    return None


def _too_few_classes(inputs: PolicyInputs) -> PolicyDecision:
    needed = inputs.policy["first_labels"]
    return PolicyDecision("classes", _classes_needed(inputs), needed=needed)


def _classes_needed(inputs: PolicyInputs) -> str:
    if inputs.required:
        return f"a task with the label {' or '.join(inputs.required.values())}"
    policy = inputs.policy
    return (
        f"{policy['first_classes']} classes with {policy['first_per_class']} labels each, "
        "not all in the holdout"
    )


def _quiet(inputs: PolicyInputs, now: datetime) -> PolicyDecision | None:
    """A `quiet` decision while labels are changing, until the longest wait is over; else None."""
    project, policy = inputs.project, inputs.policy
    if inputs.changed_at is None:
        return None
    # A label of the future was changed before the clock was set back.
    if abs(now - inputs.changed_at) >= timedelta(seconds=_quiet_s(inputs)):
        return None
    since = project.threshold_reached_at
    if since and now - since >= timedelta(seconds=policy["wait_max_s"]):
        return None
    return PolicyDecision("quiet", "waiting for quiet: labels are still changing")


def _quiet_s(inputs: PolicyInputs) -> float:
    """The quiet period; a short one where the project has no other and a training is cheap."""
    chosen = inputs.policy["quiet_s"]
    is_default = chosen == default_policy()["quiet_s"]
    return QUIET_IF_QUICK_S if is_default and inputs.trains_quickly else chosen


def _more(n: int, what: str) -> str:
    return f"{n} more {what}{'' if n == 1 else 's'}"
