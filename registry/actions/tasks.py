"""Actions on the mirror of tasks: write Label Studio's tasks, empty the deleted ones."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from more_itertools import chunked

from registry import classes
from registry.models import Outcome, Project, Task, TaskScore
from registry.splits import SplitAssigner

from . import features
from .features import strings_of

BATCH = 1_000
_order = itertools.count()
_WRITTEN = [
    "data",
    "annotations",
    "annotation_ids",
    "total_annotations",
    "labels",
    "classes",
    "ties",
    "labels_changed_at",
    "input_key",
    "split",
    "labelled_controls",
    "source_updated_at",
    "event_at",
]


class DerivedLabels(NamedTuple):
    """What a task's annotations amount to: labels and their classes by control, and ties."""

    labels: dict[str, Any]
    classes: dict[str, list[str]]
    ties: list[str]
    input_key: str


class SplitBasis(NamedTuple):
    """What a task's split is decided by: its first usable labels, and which task had them first."""

    order: int
    input_key: str
    classes: list[str]


@dataclass
class TaskState:
    """A task as Label Studio has it, with what its annotations amount to.

    `row` is the live row that mirrors it, None for a task that is not mirrored yet. The other
    fields are those of the model Task. `split_basis` and `labelled_controls` are of all labels that
    the row and the state have had, for it may have others when it is written.
    """

    labelstudio_id: int
    data: dict[str, Any] = field(default_factory=dict)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    total_annotations: int = 0
    labels: dict[str, Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)
    input_key: str = ""
    labelled_controls: frozenset[str] = frozenset()
    source_updated_at: datetime | None = None
    event_at: datetime | None = None
    split_basis: SplitBasis | None = None
    row: Task | None = None

    def __post_init__(self) -> None:
        if self.row is not None:
            self.labelled_controls = self.labelled_controls.union(self.row.labelled_controls)

    @classmethod
    def of(cls, row: Task) -> "TaskState":
        """The state that a row has."""
        return cls(
            labelstudio_id=row.labelstudio_id,
            data=row.data,
            annotations=row.annotations,
            total_annotations=row.total_annotations,
            labels=row.labels,
            classes=row.classes,
            ties=row.ties,
            input_key=row.input_key,
            source_updated_at=row.source_updated_at,
            event_at=row.event_at,
            row=row,
        )

    def derive(self, found: DerivedLabels) -> bool:
        """Take over what the annotations amount to; whether the labels are others than before."""
        changed = self.labels != found.labels
        self.labels, self.ties, self.input_key = found.labels, found.ties, found.input_key
        self.classes = classes.entries(found.classes)
        self.note_labels()
        return changed

    def note_labels(self) -> None:
        """Keep what stays of labels that change: their controls, and the basis of the split."""
        self.labelled_controls |= {*self.labels, *self.ties}
        if self.labels and self.split_basis is None:
            self.split_basis = SplitBasis(next(_order), self.input_key, self.classes)


def existing(project: Project):
    """The tasks that exist in Label Studio, as far as the mirror knows."""
    return Task.objects.filter(project=project, deleted_at__isnull=True)


@transaction.atomic
def write(
    project: Project,
    states: Sequence[TaskState],
    now: datetime | None = None,
    splits: SplitAssigner | None = None,
) -> list[Task]:
    """Insert or update the live rows of these tasks; return those whose labels changed.

    Reads no rows: it updates those that the states carry, and gives one to each state that has
    none. So the caller holds the mirror's lock from its reading of the rows until here. A task
    gets its split here, with its first usable label. Rows that are as they should
    be are not written. Of two states with one id the last counts. A constant number of
    queries for each batch of 1,000, beside those about classes without a holdout task.
    Pass `splits` to keep its counts over several calls.
    """
    now = now or timezone.now()
    splits = splits or SplitAssigner(project)
    latest = {state.labelstudio_id: state for state in states}
    changed: list[Task] = []
    for batch in chunked(latest.values(), BATCH):
        changed += _write(project, batch, now, splits)
    _note_change(project, changed, now)
    return changed


def _write(
    project: Project, states: list[TaskState], now: datetime, splits: SplitAssigner
) -> list[Task]:
    new, touched, changed, edited_ids, moved_ids = [], [], [], [], []
    without_split: list[tuple[SplitBasis, Task]] = []
    for state in states:
        state.note_labels()
        fresh = state.row is None
        task = state.row or Task(project=project, labelstudio_id=state.labelstudio_id)
        relabelled = task.labels != state.labels
        edited = not fresh and task.data != state.data
        moved = edited and not set(strings_of(task.data)) <= set(strings_of(state.data))
        if not _apply(task, state) and not fresh:
            continue
        if relabelled:
            task.labels_changed_at = now
            changed.append(task)
        if task.split is None and state.split_basis:
            without_split.append((state.split_basis, task))
        (new if fresh else touched).append(task)
        if edited:
            edited_ids.append(task.pk)
        if moved:
            moved_ids.append(task.pk)
        state.row = task
    _split(without_split, splits)
    Task.objects.bulk_create(new)
    _update(touched)
    if edited_ids:
        TaskScore.objects.filter(task__in=edited_ids).delete()
    if moved_ids:
        features.delete_for_tasks(moved_ids)  # other data may name another image
    return changed


def _apply(task: Task, state: TaskState) -> bool:
    """Copy the state's values to the task; True if any differs."""
    values = {
        "data": state.data,
        "annotations": state.annotations,
        "annotation_ids": sorted(a["id"] for a in state.annotations),
        "total_annotations": state.total_annotations,
        "labels": state.labels,
        "classes": state.classes,
        "ties": state.ties,
        "input_key": state.input_key,
        "labelled_controls": sorted(state.labelled_controls),
        "source_updated_at": state.source_updated_at,
        "event_at": state.event_at,
    }
    differs = [name for name, value in values.items() if getattr(task, name) != value]
    for name in differs:
        setattr(task, name, values[name])
    return bool(differs)


def _split(labelled: list[tuple[SplitBasis, Task]], splits: SplitAssigner) -> None:
    """Assigns splits in the order in which the tasks had their first labels."""
    labelled.sort(key=lambda each: each[0].order)
    splits.look_up(basis.input_key for basis, _ in labelled)
    for basis, task in labelled:
        task.split = splits.decide(basis.input_key, basis.classes)


def _update(tasks: list[Task]) -> None:
    # An upsert on the primary key: bulk_update's CASE for each column takes ten times as long.
    Task.objects.bulk_create(
        tasks, update_conflicts=True, unique_fields=["id"], update_fields=_WRITTEN
    )


def _note_change(project: Project, changed: Sequence[Task], now: datetime) -> None:
    if changed:
        Project.objects.filter(pk=project.pk).update(labels_changed_at=now)
        project.labels_changed_at = now


@transaction.atomic
def drop(project: Project, labelstudio_ids: Iterable[int], now: datetime | None = None) -> int:
    """Label Studio no longer has these tasks: empty their rows; return how many there were.

    The split and the key of the input stay, because a version may have learned from it.
    """
    now = now or timezone.now()
    rows = existing(project).filter(labelstudio_id__in=list(labelstudio_ids))
    labelled = rows.exclude(labels={})
    if labelled.update(labels_changed_at=now):
        Project.objects.filter(pk=project.pk).update(labels_changed_at=now)
        project.labels_changed_at = now
    features.delete_for_tasks(rows.values("pk"))
    return rows.update(
        data={},
        annotations=[],
        annotation_ids=[],
        total_annotations=0,
        labels={},
        classes=[],
        ties=[],
        deleted_at=now,
    )


def relabel(project: Project, derive: Callable[[Task], DerivedLabels]) -> int:
    """What the annotations amount to under another label config; return how many labels changed.

    `derive` gives what a task's annotations amount to. Each batch of 1,000 is a
    transaction; it can be repeated after a crash, and then does what is left.
    """
    annotated = (
        existing(project)
        .filter(Q(annotation_ids__len__gt=0) | ~Q(labels={}) | Q(split__isnull=False))
        .order_by("id")
    )
    splits = SplitAssigner(project)
    changed = 0
    last = 0
    while batch := list(annotated.filter(id__gt=last)[:BATCH]):
        last = batch[-1].id
        states = [TaskState.of(task) for task in batch]
        for state, task in zip(states, batch, strict=True):
            state.derive(derive(task))
        changed += len(write(project, states, splits=splits))
    return changed


def record_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Store outcomes; existing ones stay unchanged."""
    Outcome.objects.bulk_create(outcomes, ignore_conflicts=True, batch_size=BATCH)
