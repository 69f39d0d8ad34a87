"""What the policy asks of the database, of any number of projects at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Q, prefetch_related_objects

from mlapi import pipelines
from mlapi.pipelines.base import Pipeline
from mlapi.served_config import resolve
from registry.actions import tasks
from registry.models import ModelVersion, Project, TrainingRun
from registry.models.project import default_policy

# So many usable labels are counted of a project, or as many as its first training needs.
COUNTED = 1_000


@dataclass
class Facts:
    """Of one project. `active` is its run that has not ended, `last` the newest that has.

    `usable` labels are counted up to a limit, and only where a first training (of this label
    config) is still to come; `has_classes` is known only where they are enough for one.
    """

    project: Project
    policy: dict[str, Any]
    active: TrainingRun | None
    last: TrainingRun | None
    changed_at: datetime | None = None
    has_version: bool = False
    usable: int = 0
    changed: int = 0
    has_classes: bool = False

    @property
    def counts_tasks(self) -> bool:
        """Whether tasks are counted, labelled or not, rather than usable labels."""
        return _pipeline(self.project).counts == "tasks" if self.project.pipeline else False

    @property
    def noun(self) -> str:
        """What is counted."""
        return "task" if self.counts_tasks else "label"

    @cached_property
    def required(self) -> dict[str, str] | None:
        """By control the label without which there is nothing to learn; None: any will do."""
        project = self.project
        if not project.pipeline:
            return None
        targets = resolve(project.label_config, project.options).targets
        return _pipeline(project).required(targets, project.options) if targets else None

    @property
    def learned_until(self) -> datetime | None:
        """Labels changed after this are new, also to a run that ended before its snapshot."""
        return (self.last.snapshot_at or self.last.created_at) if self.last else None

    @property
    def config_changed(self) -> bool:
        """Whether the label config asks for other targets or labels than were last learned."""
        fingerprint = self.project.fingerprint
        if self.last and self.last.parameters.get("fingerprint"):
            return self.last.parameters["fingerprint"] != fingerprint
        champion = self.project.champion
        return champion is not None and champion.fingerprint != fingerprint


def facts_of(projects: Sequence[Project]) -> list[Facts]:
    """The facts of each project, in their order.

    At most six queries, however many projects; one more where tasks are counted, and one for
    each project whose first training waits for a certain label.
    """
    prefetch_related_objects([p for p in projects if p.champion_id], "champion")
    runs = _last_two_runs(projects)
    known = [_of(project, runs.get(project.pk, [])) for project in projects]
    versioned, changed_at = _with_versions(projects), _changed_at(known)
    for facts in known:
        facts.has_version = facts.project.pk in versioned
        facts.changed_at = changed_at[facts.project.pk]
    changed = _changed([f for f in known if f.learned_until])
    first = [f for f in known if not f.has_version or not f.last or f.config_changed]
    counted = _usable(first)
    for facts in known:
        facts.usable = counted.get(facts.project.pk, 0)
        facts.changed = changed.get(facts.project.pk, facts.usable)
    enough = with_classes([f for f in first if f.usable >= f.policy["first_labels"]])
    for facts in known:
        facts.has_classes = facts.project.pk in enough
    return known


def _of(project: Project, runs: Sequence[TrainingRun]) -> Facts:
    return Facts(
        project,
        policy_of(project),
        active=next((run for run in runs if run.is_active), None),
        # However it ended: a failed one is not tried again on its labels.
        last=next((run for run in runs if not run.is_active), None),
    )


def policy_of(project: Project) -> dict[str, Any]:
    """The project's policy; where it is the default, that of its pipeline, if it has another."""
    policy = {**default_policy(), **project.policy}
    if not project.pipeline:
        return policy
    theirs = _pipeline(project).policy.items()
    return policy | {name: v for name, v in theirs if policy[name] == default_policy()[name]}


def _pipeline(project: Project) -> Pipeline:
    return pipelines.get(project.pipeline)


# Two, because at most one run of a project is active, and then it is the newest.
_RUNS = """
SELECT run.id, run.project_id, run.state, run.snapshot_at, run.created_at, run.dataset_counts,
       run.parameters
FROM unnest(%s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT * FROM registry_trainingrun WHERE project_id = project.id ORDER BY id DESC LIMIT 2
) AS run
ORDER BY run.id DESC
"""


def _last_two_runs(projects: Sequence[Project]) -> dict[int, list[TrainingRun]]:
    found: dict[int, list[TrainingRun]] = {}
    for run in TrainingRun.objects.raw(_RUNS, [[p.pk for p in projects]]):
        found.setdefault(run.project_id, []).append(run)
    return found


def _with_versions(projects: Sequence[Project]) -> set[int]:
    serving = {p.pk for p in projects if p.champion_id}
    others = [p.pk for p in projects if p.pk not in serving]
    if not others:
        return serving
    rows = ModelVersion.objects.filter(project__in=others).order_by()
    return serving | set(rows.values_list("project", flat=True).distinct())


_NEWEST = """
SELECT asked.id, (SELECT max(created_at) FROM registry_task WHERE project_id = asked.id)
FROM unnest(%s::bigint[]) AS asked (id)
"""


def _changed_at(known: Sequence[Facts]) -> dict[int, datetime | None]:
    """When what is counted last changed; people, and imports, are waited for."""
    found = {f.project.pk: f.project.labels_changed_at for f in known}
    counting = [f.project.pk for f in known if f.counts_tasks]
    for project, newest in (_pairs(_NEWEST, [counting]) if counting else {}).items():
        found[project] = max(filter(None, (found[project], newest)), default=None)
    return found


_CHANGED = """
SELECT asked.id, (
    SELECT count(*) FROM registry_task
    WHERE project_id = asked.id AND labels_changed_at > asked.since
) + (
    SELECT count(*) FROM registry_task
    WHERE asked.whole AND project_id = asked.id AND created_at > asked.since
        AND deleted_at IS NULL
        AND (labels_changed_at IS NULL OR labels_changed_at <= asked.since)
)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bool[]) AS asked (id, since, whole)
"""


def _changed(known: Sequence[Facts]) -> dict[int, int]:
    """Labels that changed since, and new tasks where tasks are counted; by indexes on the times."""
    if not known:
        return {}
    return _pairs(
        _CHANGED,
        [
            [f.project.pk for f in known],
            [f.learned_until for f in known],
            [f.counts_tasks for f in known],
        ],
    )


_USABLE = """
SELECT asked.id, (
    SELECT count(*) FROM (
        SELECT 1 FROM registry_task
        WHERE project_id = asked.id AND deleted_at IS NULL
            AND (asked.whole OR (split IS NOT NULL AND labels <> '{}'::jsonb))
        LIMIT asked.most
    ) AS usable
)
FROM unnest(%s::bigint[], %s::bool[], %s::bigint[]) AS asked (id, whole, most)
"""


def _usable(known: Sequence[Facts]) -> dict[int, int]:
    if not known:
        return {}
    return _pairs(
        _USABLE,
        [
            [f.project.pk for f in known],
            [f.counts_tasks for f in known],
            [max(COUNTED, f.policy["first_labels"]) for f in known],
        ],
    )


_CLASSES = """
SELECT asked.id, (
    WITH answer AS (
        SELECT entry.key AS target, entry.value AS value, jsonb_typeof(entry.value) AS kind
        FROM registry_task, jsonb_each(labels) AS entry
        WHERE project_id = asked.id AND split IS NOT NULL AND deleted_at IS NULL
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
        SELECT 1 FROM single WHERE n >= asked.each GROUP BY target
        HAVING count(*) >= asked.classes
    ) OR EXISTS (
        SELECT 1 FROM multiple JOIN whole USING (target)
        WHERE multiple.n >= asked.each AND whole.n - multiple.n >= asked.each
    )
)
FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS asked (id, classes, each)
"""


def with_classes(asked: Sequence[Facts]) -> set[int]:
    """Those of the projects that have enough classes by their policies, or the label they need.

    One query for those that need classes, and one for each that needs a label.
    """
    enough = {f.project.pk for f in asked if f.counts_tasks}
    rest = [f for f in asked if not f.counts_tasks]
    enough |= {f.project.pk for f in rest if f.required and _has_label(f)}
    return enough | _with_classes([f for f in rest if not f.required])


def _has_label(facts: Facts) -> bool:
    found = Q()
    for control, label in (facts.required or {}).items():
        found |= Q(labels__contains={control: label}) | Q(labels__contains={control: [label]})
    return tasks.existing(facts.project).filter(found, split__isnull=False).exists()


def _with_classes(asked: Sequence[Facts]) -> set[int]:
    if not asked:
        return set()
    found = _pairs(
        _CLASSES,
        [
            [f.project.pk for f in asked],
            [f.policy["first_classes"] for f in asked],
            [f.policy["first_per_class"] for f in asked],
        ],
    )
    return {project for project, enough in found.items() if enough}


def _pairs(query: str, values: list[Any]) -> dict[int, Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return dict(cursor.fetchall())
