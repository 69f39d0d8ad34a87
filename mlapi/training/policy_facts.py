"""What the policy asks of the database: of one project when it is asked, or of many at once."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Max, Q, QuerySet, prefetch_related_objects

from mlapi import pipelines
from mlapi.mirror.served_config import asked as asked_of
from mlapi.pipelines.base import Pipeline
from registry.acts import tasks
from registry.models import ModelVersion, Project, Task, TrainingRun
from registry.models.project import default_policy
from registry.models.run import ACTIVE_STATES

# So many usable labels are counted of a project when many are asked at once.
COUNTED = 1_000


class Facts:
    """Of one project, each asked when it is needed: cheap questions first."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.policy = policy_of(project)

    @property
    def counts_tasks(self) -> bool:
        """Whether tasks are counted, labelled or not, rather than usable labels."""
        return _pipeline(self.project).counts == "tasks" if self.project.pipeline else False

    @cached_property
    def changed_at(self) -> datetime | None:
        """When what is counted last changed; people, and imports, are waited for."""
        last = self.project.labels_changed_at
        if not self.counts_tasks:
            return last
        newest = Task.objects.filter(project=self.project).aggregate(at=Max("created_at"))["at"]
        return max(filter(None, (last, newest)), default=None)

    @property
    def noun(self) -> str:
        """What is counted."""
        return "task" if self.counts_tasks else "label"

    @cached_property
    def required(self) -> dict[str, str] | None:
        """By control the label without which there is nothing to learn; None: any will do."""
        project = self.project
        targets = asked_of(project.label_config, project.options).targets
        return _pipeline(project).required(targets, project.options) if targets else None

    @cached_property
    def active(self) -> TrainingRun | None:
        return self.project.runs.filter(state__in=ACTIVE_STATES).first()

    @cached_property
    def last(self) -> TrainingRun | None:
        """The newest run that ended, however: a failed one is not tried again on its labels."""
        return self.project.runs.exclude(state__in=ACTIVE_STATES).first()

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

    @cached_property
    def has_version(self) -> bool:
        return self.project.champion_id is not None or self.project.versions.exists()

    @cached_property
    def changed(self) -> int:
        """Labels changed since the last run; without one, all usable ones."""
        since = self.learned_until
        if since is None:
            return self.usable
        return _changed([self])[self.project.pk]

    @cached_property
    def usable(self) -> int:
        return self._usable_tasks().count()

    def has_usable(self, n: int) -> int:
        """How many usable labels there are, counted up to n."""
        return self._usable_tasks()[:n].count()

    def _usable_tasks(self) -> QuerySet[Task]:
        return tasks.live(self.project) if self.counts_tasks else usable(self.project)

    @cached_property
    def has_classes(self) -> bool:
        """Whether any target has enough to tell apart.

        For `single`: that many classes of that many labels each. For `multiple`: a label
        that so many tasks have and so many others do not have. One scan of the project's
        tasks, so only before a first run.
        """
        return self.project.pk in with_classes([self])


class KnownFacts(Facts):
    """Of one of many projects: what was asked for all of them together."""

    def __init__(self, project: Project, runs: Sequence[TrainingRun]) -> None:
        super().__init__(project)
        self.active = next((run for run in runs if run.is_active), None)
        self.last = next((run for run in runs if not run.is_active), None)
        self.changed_at = project.labels_changed_at  # told without a query for each project

    def has_usable(self, n: int) -> int:
        return min(self.usable, n)


def facts_of(projects: Sequence[Project]) -> list[Facts]:
    """The facts of each project, in their order; at most six queries, however many projects.

    Usable labels are counted up to 1,000, and only of projects whose first training (of
    this label config) is still to come.
    """
    prefetch_related_objects([p for p in projects if p.champion_id], "champion")
    runs = _last_two_runs(projects)
    known = [KnownFacts(project, runs.get(project.pk, [])) for project in projects]
    versioned = _with_versions(projects)
    changed = _changed([f for f in known if f.learned_until])
    for facts in known:
        facts.has_version = facts.project.pk in versioned
    first = [f for f in known if not f.has_version or not f.last or f.config_changed]
    counted = _usable(first)
    for facts in known:
        facts.usable = counted.get(facts.project.pk, 0)
        facts.changed = changed.get(facts.project.pk, facts.usable)
    asked = [f for f in first if f.usable >= f.policy["first_labels"]]
    enough = with_classes(asked)
    for facts in known:
        facts.has_classes = facts.project.pk in enough
    return list(known)


def policy_of(project: Project) -> dict[str, Any]:
    """The project's policy; where it is the default, that of its pipeline, if it has another."""
    policy = {**default_policy(), **project.policy}
    if not project.pipeline:
        return policy
    theirs = _pipeline(project).policy.items()
    return policy | {name: v for name, v in theirs if policy[name] == default_policy()[name]}


def _pipeline(project: Project) -> Pipeline:
    return pipelines.get(project.pipeline)


def usable(project: Project) -> QuerySet[Task]:
    """The project's live tasks with a usable label."""
    return Task.objects.filter(
        project=project, split__isnull=False, deleted_at__isnull=True
    ).exclude(labels={})


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
        LIMIT %s
    ) AS usable
)
FROM unnest(%s::bigint[], %s::bool[]) AS asked (id, whole)
"""


def _usable(known: Sequence[Facts]) -> dict[int, int]:
    if not known:
        return {}
    asked = [[f.project.pk for f in known], [f.counts_tasks for f in known]]
    return _pairs(_USABLE, [COUNTED, *asked])


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
    return tasks.live(facts.project).filter(found, split__isnull=False).exists()


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
