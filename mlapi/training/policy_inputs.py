"""Reads from the database what the policy decides by, for any number of projects at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import prefetch_related_objects

from mlapi import label_types, pipelines
from mlapi.domain import TargetSpec
from mlapi.run_folder.progress import is_phase
from mlapi.served_config import ServedConfig, resolve
from mlapi.texts.refs import ENCODING
from registry import classes
from registry.actions import tasks
from registry.models import ModelVersion, Project, TrainingRun
from registry.models.project import default_policy
from registry.models.run import RunState

# So many usable labels are counted of a project, or as many as its first training needs.
COUNTED = 1_000
QUICK = timedelta(seconds=5)


@dataclass
class PolicyInputs:
    """One project's inputs: `active` is the training that goes on, `last` the newest ended one.

    `usable` labels are counted up to a limit, and only before the first training on this label
    config; `has_classes` is computed only where they suffice for it.
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
        return any(
            pipeline.counts == "tasks" for pipeline in pipelines.named(self.project.pipeline)
        )

    @property
    def noun(self) -> str:
        """The noun for what is counted."""
        return "task" if self.counts_tasks else "label"

    @cached_property
    def required(self) -> dict[str, str] | None:
        """By control the label that the training needs; None where any label will do."""
        found: dict[str, str] = {}
        for target in self.targets:
            options = self._served.options[target.name]
            label = pipelines.get(target.pipeline).required_label(options)
            if label is None:
                return None
            found[target.name] = label
        return found or None

    @property
    def is_served_untrained(self) -> bool:
        """Whether a version needs no labels, and no run on this label config was tried."""
        is_new = self.config_changed or (self.last is None and not self.has_version)
        if not is_new or not self.project.pipeline:
            return False
        return any(pipelines.get(t.pipeline).is_pretrained(t) for t in self.targets)

    @property
    def targets(self) -> tuple[TargetSpec, ...]:
        """The targets of the project's label config."""
        return self._served.targets

    @property
    def _served(self) -> ServedConfig:
        return resolve(self.project.label_config, self.project.options)

    @property
    def learned_until(self) -> datetime | None:
        """Labels changed after this are new, also to a run that ended before its snapshot."""
        return (self.last.snapshot_at or self.last.created_at) if self.last else None

    @property
    def trains_quickly(self) -> bool:
        """Whether the last training took under 5 s; before the first, whether texts are read.

        The time for vectors of new texts is left out: the next training finds them stored.
        """
        last = self.last
        if last is None:
            return all(
                pipeline.input.in_data for pipeline in pipelines.named(self.project.pipeline)
            )
        if last.started_at is None or last.ended_at is None:
            return False
        encoding = [phase for phase in last.phases if is_phase(phase["name"], ENCODING)]
        seconds = sum(phase["seconds"] or 0 for phase in encoding)
        return last.ended_at - last.started_at - timedelta(seconds=seconds) < QUICK

    @property
    def left(self) -> dict[str, int]:
        """What the last training went without so that its version came soon; {} if it failed."""
        succeeded = self.last is not None and self.last.state == RunState.SUCCEEDED
        return self.last.left if self.last and succeeded else {}

    @property
    def config_changed(self) -> bool:
        """Whether the label config asks for other targets or labels than were last learned."""
        fingerprint = self.project.fingerprint
        if self.last and self.last.parameters.get("fingerprint"):
            return self.last.parameters["fingerprint"] != fingerprint
        champion = self.project.champion
        return champion is not None and champion.fingerprint != fingerprint


def policy_inputs_of(projects: Sequence[Project]) -> list[PolicyInputs]:
    """The policy inputs of each project, in their order.

    At most six queries, however many projects; one more where tasks are counted, and one for
    each project whose first training waits for a certain label.
    """
    prefetch_related_objects([p for p in projects if p.champion_id], "champion")
    runs = _last_two_runs(projects)
    many = [_of(project, runs.get(project.pk, [])) for project in projects]
    versioned, changed_at = _with_versions(projects), _changed_at(many)
    for inputs in many:
        inputs.has_version = inputs.project.pk in versioned
        inputs.changed_at = changed_at[inputs.project.pk]
    changed = _changed([f for f in many if f.learned_until])
    first = [f for f in many if not f.has_version or not f.last or f.config_changed]
    counted = _usable(first)
    for inputs in many:
        inputs.usable = counted.get(inputs.project.pk, 0)
        inputs.changed = changed.get(inputs.project.pk, inputs.usable)
    enough = _ready_to_train([f for f in first if f.usable >= f.policy["first_labels"]])
    for inputs in many:
        inputs.has_classes = inputs.project.pk in enough
    return many


def _of(project: Project, runs: Sequence[TrainingRun]) -> PolicyInputs:
    return PolicyInputs(
        project,
        policy_of(project),
        active=next((run for run in runs if run.is_active), None),
        # However it ended: a failed one is not tried again on its labels.
        last=next((run for run in runs if not run.is_active), None),
    )


def policy_of(project: Project) -> dict[str, Any]:
    """The project's policy; where it has the default value, the pipelines' default applies.

    Of several pipelines the least: a version is worth it as soon as one of them can learn.
    """
    usual = default_policy()
    policy = {**usual, **project.policy}
    serving = pipelines.named(project.pipeline)
    for name in {name for pipeline in serving for name in pipeline.policy}:
        if policy[name] == usual[name]:
            policy[name] = min(pipeline.policy.get(name, usual[name]) for pipeline in serving)
    return policy


# Two, because at most one training of a project is active, and then it is the newest.
_RUNS = """
SELECT run.id, run.project_id, run.state, run.snapshot_at, run.created_at, run.dataset_counts,
       run.parameters, run.started_at, run.ended_at, run.phases
FROM unnest(%s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT * FROM registry_trainingrun WHERE project_id = project.id AND kind = 'training'
    ORDER BY id DESC LIMIT 2
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
SELECT project.id, (SELECT max(created_at) FROM registry_task WHERE project_id = project.id)
FROM unnest(%s::bigint[]) AS project (id)
"""


def _changed_at(many: Sequence[PolicyInputs]) -> dict[int, datetime | None]:
    """By project when labels last changed or, where tasks are counted, a task was imported."""
    found = {f.project.pk: f.project.labels_changed_at for f in many}
    counting = [f.project.pk for f in many if f.counts_tasks]
    for project, newest in (_pairs(_NEWEST, [counting]) if counting else {}).items():
        found[project] = max(filter(None, (found[project], newest)), default=None)
    return found


_CHANGED = """
SELECT project.id, (
    SELECT count(*) FROM registry_task
    WHERE project_id = project.id AND labels_changed_at > project.since
) + (
    SELECT count(*) FROM registry_task
    WHERE project.whole AND project_id = project.id AND created_at > project.since
        AND deleted_at IS NULL
        AND (labels_changed_at IS NULL OR labels_changed_at <= project.since)
)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bool[]) AS project (id, since, whole)
"""


def _changed(many: Sequence[PolicyInputs]) -> dict[int, int]:
    """By project the labels changed since its last run, and new tasks where tasks are counted."""
    if not many:
        return {}
    return _pairs(
        _CHANGED,
        [
            [f.project.pk for f in many],
            [f.learned_until for f in many],
            [f.counts_tasks for f in many],
        ],
    )


_USABLE = """
SELECT project.id, (
    SELECT count(*) FROM (
        SELECT 1 FROM registry_task
        WHERE project_id = project.id AND deleted_at IS NULL
            AND (project.whole OR (split IS NOT NULL AND labels <> '{}'::jsonb))
        LIMIT project.most
    ) AS usable
)
FROM unnest(%s::bigint[], %s::bool[], %s::bigint[]) AS project (id, whole, most)
"""


def _usable(many: Sequence[PolicyInputs]) -> dict[int, int]:
    if not many:
        return {}
    return _pairs(
        _USABLE,
        [
            [f.project.pk for f in many],
            [f.counts_tasks for f in many],
            [max(COUNTED, f.policy["first_labels"]) for f in many],
        ],
    )


# Of a control whose values are one class each: enough classes with enough tasks each. Of one with
# any number of classes: a class that enough tasks have, and that enough labelled tasks (`least`)
# have not; none of these where a value's classes have places in the task. One task of each must be
# for training: nothing is learned of a class that only the holdout has.
_CLASSES = """
SELECT project.id, bool_or(
    CASE WHEN project.several THEN found.split ELSE found.enough >= project.classes END
)
FROM unnest(%s::bigint[], %s::text[], %s::bool[], %s::int[], %s::int[], %s::int[])
    AS project (id, control, several, classes, each, least)
CROSS JOIN LATERAL (
    SELECT count(*) AS enough, bool_or(
        labelled.n - class.n >= project.least
        AND labelled.training - class.training >= least(project.least, 1)
    ) AS split
    FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE split = 'train') AS training
        FROM registry_task
        WHERE project_id = project.id AND split IS NOT NULL AND deleted_at IS NULL
            AND jsonb_exists(labels, project.control)
    ) AS labelled, (
        SELECT count(*) AS n, count(*) FILTER (WHERE split = 'train') AS training
        FROM registry_task, unnest(registry_task.classes) AS entry
        WHERE project_id = project.id AND split IS NOT NULL AND deleted_at IS NULL
            AND starts_with(entry, project.control || '=')
        GROUP BY entry
    ) AS class
    WHERE class.n >= project.each AND class.training > 0
) AS found
GROUP BY project.id
"""


def _ready_to_train(first: Sequence[PolicyInputs]) -> set[int]:
    """The projects whose labels suffice for a first training: enough classes, or the needed label.

    One query for those that need classes, and one for each that needs a label.
    """
    enough = {f.project.pk for f in first if f.counts_tasks}
    rest = [f for f in first if not f.counts_tasks]
    enough |= {f.project.pk for f in rest if f.required and _has_label(f)}
    return enough | _with_enough_classes([f for f in rest if not f.required])


def _has_label(inputs: PolicyInputs) -> bool:
    required = [classes.entry(*one) for one in (inputs.required or {}).items()]
    labelled = tasks.existing(inputs.project).filter(split__isnull=False)
    return labelled.filter(classes__overlap=required).exists()


def _with_enough_classes(first: Sequence[PolicyInputs]) -> set[int]:
    rows = [
        (
            inputs.project.pk,
            target.name,
            label_types.of(target).several,
            inputs.policy["first_classes"],
            inputs.policy["first_per_class"],
            0 if label_types.of(target).localized else inputs.policy["first_per_class"],
        )
        for inputs in first
        for target in inputs.targets
    ]
    if not rows:
        return set()
    found = _pairs(_CLASSES, [list(column) for column in zip(*rows, strict=True)])
    return {project for project, enough in found.items() if enough}


def _pairs(query: str, values: list[Any]) -> dict[int, Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return dict(cursor.fetchall())
