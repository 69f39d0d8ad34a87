"""When a project trains by itself: enough labels, enough changed ones, and a moment of quiet."""

import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from registry.acts import projects, runs
from registry.models import Project, Task, TrainingRun
from registry.models.project import default_policy
from registry.models.run import ACTIVE_STATES

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


def status(project: Project, now: datetime | None = None) -> dict[str, Any]:
    """How near the project is to its next run, for people: the decision with all its counts."""
    decision = decide(project, now or timezone.now())
    last = _last_ended(project)
    return {
        **asdict(decision),
        "usable": usable_count(project),
        "changed": _changed(project, _learned_until(last)) if last else usable_count(project),
        "enabled": _policy(project)["enabled"],
    }


def decide(project: Project, now: datetime) -> Decision:
    """The policy of DESIGN.md, "When and on what it learns". Only reads; cheap questions first."""
    policy = _policy(project)
    if not policy["enabled"]:
        return Decision("off", "the policy is switched off; start training by hand")
    if not project.pipeline:
        return Decision("unserved", "no pipeline can serve this label config")
    active = project.runs.filter(state__in=ACTIVE_STATES).first()
    if active:
        return Decision("active", f"run {active.pk} is {active.state}", run_id=active.pk)
    last = _last_ended(project)
    if _config_changed(project, last):
        return _first(project, policy, last) or Decision(
            "due", "the label config changed", trigger=TrainingRun.Trigger.CONFIG
        )
    if last is not None and _had_enough(project, policy, last):
        blocked, reason = _later(project, policy, last), "enough labels changed"
    else:
        blocked, reason = _first(project, policy, last), "enough labels for the first training"
    if blocked:
        return blocked
    return _quiet(project, policy, now) or Decision(
        "due", reason, trigger=TrainingRun.Trigger.POLICY
    )


def usable_count(project: Project) -> int:
    """How many live tasks have a usable label."""
    return _usable(project).count()


def _policy(project: Project) -> dict[str, Any]:
    return {**default_policy(), **project.policy}


def _usable(project: Project):
    return Task.objects.filter(
        project=project, split__isnull=False, deleted_at__isnull=True
    ).exclude(labels={})


def _last_ended(project: Project) -> TrainingRun | None:
    """The newest run that ended, however: a failed one is not tried again on the same labels."""
    return project.runs.exclude(state__in=ACTIVE_STATES).first()


def _learned_until(run: TrainingRun) -> datetime:
    """Labels changed after this are new to the run, also to one that ended before its snapshot."""
    return run.snapshot_at or run.created_at


def _had_enough(project: Project, policy: dict, last: TrainingRun) -> bool:
    """Whether the next run is a later one: a version exists, or a run had the labels and failed."""
    if project.champion_id or project.versions.exists():
        return True
    return last.dataset_counts.get("tasks", 0) >= policy["first_labels"]


def _config_changed(project: Project, last: TrainingRun | None) -> bool:
    if last and last.parameters.get("fingerprint"):
        return last.parameters["fingerprint"] != project.fingerprint
    champion = project.champion
    return champion is not None and champion.fingerprint != project.fingerprint


def _first(project: Project, policy: dict, last: TrainingRun | None) -> Decision | None:
    """Why the first training (of this config) has to wait, or None."""
    needed = policy["first_labels"]
    usable = _usable(project)[:needed].count()
    if usable < needed:
        return Decision(
            "labels", _more(needed - usable, "label"), usable=usable, changed=usable, needed=needed
        )
    if not _has_classes(project, policy["first_classes"], policy["first_per_class"]):
        return Decision(
            "classes",
            f"{policy['first_classes']} classes with {policy['first_per_class']} labels each",
            needed=needed,
        )
    if last and not _config_changed(project, last) and not _changed(project, _learned_until(last)):
        return Decision("changes", "1 more label since the last run", changed=0, needed=1)
    return None


def _later(project: Project, policy: dict, last: TrainingRun) -> Decision | None:
    """Why a later training has to wait, or None. Counts by the index on labels_changed_at."""
    share = math.ceil(policy["changed_share"] * last.dataset_counts.get("tasks", 0))
    needed = max(policy["changed_min"], share)
    changed = _changed(project, _learned_until(last))
    if changed < needed:
        reason = f"{_more(needed - changed, 'changed label')}"
        return Decision("changes", reason, changed=changed, needed=needed)
    return None


def _quiet(project: Project, policy: dict, now: datetime) -> Decision | None:
    """Whether people are still labelling; they are waited for, but not for ever."""
    if project.labels_changed_at is None:
        return None
    if now - project.labels_changed_at >= timedelta(seconds=policy["quiet_s"]):
        return None
    since = project.threshold_reached_at
    if since and now - since >= timedelta(seconds=policy["wait_max_s"]):
        return None
    return Decision("quiet", "waiting for quiet: labels are still changing")


def _changed(project: Project, since: datetime) -> int:
    return Task.objects.filter(project=project, labels_changed_at__gt=since).count()


def _more(n: int, what: str) -> str:
    return f"{n} more {what}{'' if n == 1 else 's'}"


_CLASSES = """
WITH answer AS (
    SELECT entry.key AS target, entry.value AS value, jsonb_typeof(entry.value) AS kind
    FROM registry_task, jsonb_each(labels) AS entry
    WHERE project_id = %s AND split IS NOT NULL AND deleted_at IS NULL
), single AS (
    SELECT target, count(*) AS n FROM answer WHERE kind = 'string' GROUP BY target, value
), whole AS (
    SELECT target, count(*) AS n FROM answer WHERE kind = 'array' GROUP BY target
), multiple AS (
    SELECT answer.target, label, count(*) AS n
    FROM answer, jsonb_array_elements_text(
        CASE WHEN kind = 'array' THEN value ELSE '[]'::jsonb END
    ) AS label
    GROUP BY answer.target, label
)
SELECT EXISTS (
    SELECT 1 FROM single WHERE n >= %s GROUP BY target HAVING count(*) >= %s
) OR EXISTS (
    SELECT 1 FROM multiple JOIN whole USING (target)
    WHERE multiple.n >= %s AND whole.n - multiple.n >= %s
)
"""


def _has_classes(project: Project, classes: int, per_class: int) -> bool:
    """Whether any target has enough to tell apart.

    For `single`: that many classes of that many labels each. For `multiple`: a label that
    so many tasks have and so many others do not have. One scan, so only before a first run.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLASSES, [project.pk, per_class, classes, per_class, per_class])
        return cursor.fetchone()[0]
