"""Applies a batch of a project's events: their rows are read once, and written at once.

Each event is applied to the tasks in memory in its turn and has an outcome of its own. Where a
batch fails, its halves are applied, so that the event at fault is found and fails alone.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import structlog
from django.db import InterfaceError, OperationalError, transaction

from mlapi.labelstudio import events
from mlapi.mirror import apply_changes, prequential
from mlapi.mirror.apply_changes import Applied
from mlapi.mirror.tombstones import DeletedIds
from mlapi.mirror.unit_of_work import TaskUnitOfWork
from registry.actions import events as event_actions
from registry.actions import projects, tasks
from registry.actions.events import EventOutcome
from registry.models import Event, ModelVersion, Outcome, Project
from registry.models.event import EventStatus

log = structlog.get_logger(__name__)

_FAILED = "an event could not be applied"


class BatchResult(NamedTuple):
    """The number of events that were applied, from the first on, and their effects.

    `need_sync` is the reason for a sync, None without one. `needed` is the version that has to be
    loaded before the next event can be applied.
    """

    events: int
    need_sync: str | None = None
    needed: ModelVersion | None = None


def apply_events(
    project: Project, received: Sequence[Event], champions: prequential.LoadedChampions
) -> BatchResult:
    """Apply the events in order; all of them unless a version has to be loaded first.

    The caller holds the mirror's lock. An event that cannot be applied is marked as failed, with
    the reason. Raises the errors of the database and the system that no event is to blame for.
    """
    reasons: list[str | None] = []
    waiting = [_Parsed.of(event) for event in received]
    done = 0
    while waiting:
        batch = _first_batch(project, waiting)
        applied = _apply_or_halve(project, batch, champions)
        done += applied.events
        reasons.append(applied.need_sync)
        if applied.needed:
            return BatchResult(done, _first(reasons), applied.needed)
        waiting = waiting[applied.events :]
    return BatchResult(done, _first(reasons))


@dataclass(frozen=True)
class _Parsed:
    """An event, and what its payload says; `error` if it says nothing that can be read."""

    event: Event
    changes: list[events.Change]
    project: events.PutProject | None
    error: str = ""

    @classmethod
    def of(cls, event: Event) -> "_Parsed":
        try:
            changes = events.changes(event.action, event.payload)
            return cls(event, changes, events.project_of(event.payload))
        except Exception as error:
            log.exception("event_not_applied", event_id=event.pk, action=event.action)
            return cls(event, [], None, _text_of(error))

    def changes_for(self, project: Project) -> list[events.Change]:
        """The event's changes; also its project, for a project without a label config."""
        brings_config = self.project and self.project.label_config and not project.label_config
        if self.project and brings_config and self.project not in self.changes:
            return [self.project, *self.changes]
        return self.changes

    def is_alone(self, project: Project) -> bool:
        """Whether the event is a batch of its own: it may change how labels are derived."""
        alone = (events.PutProject, events.PutTasks)
        return any(isinstance(change, alone) for change in self.changes_for(project))


def _first_batch(project: Project, waiting: Sequence[_Parsed]) -> Sequence[_Parsed]:
    together = takewhile(lambda parsed: not parsed.is_alone(project), waiting)
    return list(together) or waiting[:1]


def _apply_or_halve(
    project: Project, batch: Sequence[_Parsed], champions: prequential.LoadedChampions
) -> BatchResult:
    try:
        return _apply(project, batch, champions)
    except Exception as error:
        if not _is_fault_of_an_event(error):
            raise
        # Changes of the instance may have been rolled back in the database.
        project.refresh_from_db()
        if len(batch) == 1:
            return _fail(batch[0].event, error)
    first, second = batch[: len(batch) // 2], batch[len(batch) // 2 :]
    done = _apply_or_halve(project, first, champions)
    if done.needed or done.events < len(first):
        return done
    more = _apply_or_halve(project, second, champions)
    reason = done.need_sync or more.need_sync
    return BatchResult(done.events + more.events, reason, more.needed)


def _is_fault_of_an_event(error: Exception) -> bool:
    if isinstance(error, OperationalError):
        return apply_changes.is_beyond_limits(error)
    # OSError: no event names a file, but Django imports parts of itself as they are needed.
    return not isinstance(error, (InterfaceError, OSError))


def _fail(event: Event, error: Exception) -> BatchResult:
    log.error("event_not_applied", event_id=event.pk, action=event.action, exc_info=error)
    event_actions.set_outcomes([EventOutcome(event.pk, EventStatus.FAILED, _text_of(error))])
    return BatchResult(1, _FAILED)


def _apply(
    project: Project, batch: Sequence[_Parsed], champions: prequential.LoadedChampions
) -> BatchResult:
    """Apply the first events of the batch, up to one that has to wait for what was applied."""
    changes = [change for parsed in batch for change in parsed.changes_for(project)]
    for change in changes:
        if isinstance(change, events.PutProject):
            apply_changes.relabel(project, change.label_config)
    unit = TaskUnitOfWork(project, changes)
    work = _Work(project, unit, DeletedIds(project, changes), champions)
    with transaction.atomic() if batch[0].is_alone(project) else nullcontext():
        needed = work.apply(batch)
        predicted = work.predict()
        with transaction.atomic():
            work.write(predicted)
    return BatchResult(len(work.outcomes), _first(work.reasons), needed)


class _Work:
    """The events of a batch as they are applied in memory, until they are written."""

    def __init__(
        self,
        project: Project,
        unit: TaskUnitOfWork,
        deleted: DeletedIds,
        champions: prequential.LoadedChampions,
    ) -> None:
        self.outcomes: list[EventOutcome] = []
        self.reasons: list[str | None] = []
        self._project = project
        self._unit = unit
        self._deleted = deleted
        self._requests = prequential.PredictionRequests(project, champions)
        self._data_outdated = False

    def apply(self, batch: Sequence[_Parsed]) -> ModelVersion | None:
        """Apply events until one has to wait; the version that it waits for, if it is one."""
        for parsed in batch:
            changes = parsed.changes_for(self._project)
            if not self._unit.can_take(changes):
                return None
            try:
                self._request_predictions(changes)
            except prequential.NotLoaded as needed:
                return needed.version
            self._apply(parsed, changes)
        return None

    def predict(self) -> list[tuple[int, Outcome]]:
        """The champions' outcomes for the first labels; before these are written."""
        return self._requests.outcomes()

    def write(self, predicted: Sequence[tuple[int, Outcome]]) -> None:
        """Write the tasks, the champions' outcomes, the deleted ids and how each event ended."""
        self._unit.write()
        if found := list(filter(None, (self._with_row(*each) for each in predicted))):
            tasks.record_outcomes(found)
        if self._data_outdated and not self._project.data_outdated:
            projects.mark_data_outdated(self._project)
        self._deleted.write()
        event_actions.set_outcomes(self.outcomes)

    def _request_predictions(self, changes: Sequence[events.Change]) -> None:
        for change in changes:
            if isinstance(change, events.PutAnnotation) and not self._deleted.has(change):
                task = self._unit.state(change.task_id)
                targets = self._unit.served.targets
                first = prequential.first_labels(self._project, change, task, targets)
                if first:
                    self._requests.add(change.task_id, first)

    def _apply(self, parsed: _Parsed, changes: Sequence[events.Change]) -> None:
        event = parsed.event
        if parsed.error:
            self.outcomes.append(EventOutcome(event.pk, EventStatus.FAILED, parsed.error))
            self.reasons.append(_FAILED)
            return
        applied = apply_changes.apply(self._project, changes, self._unit, self._deleted)
        label_config = parsed.project.label_config if parsed.project else None
        if apply_changes.is_of_other_config(self._project, changes, label_config):
            self._data_outdated = True
            applied.need_sync = "its task is as another label config shows it"
        self._deleted.add(changes, event.received_at)
        self.outcomes.append(EventOutcome(event.pk, *_outcome(applied)))
        self.reasons.append(applied.need_sync)

    def _with_row(self, task_id: int, outcome: Outcome) -> Outcome | None:
        """The outcome with its task's row; None for a task that has none."""
        state = self._unit.state(task_id)
        if state is None or state.row is None:
            return None
        outcome.task = state.row
        return outcome


def _outcome(applied: Applied) -> tuple[str, str]:
    """An event's status, and its outcome in one sentence."""
    if applied.ignored and not applied.had_effect and not applied.need_sync:
        return EventStatus.IGNORED, applied.ignored[0]
    if applied.stale and not applied.had_effect:
        return EventStatus.STALE, "What is stored is newer."
    parts = [
        _count_of(applied.written, "changed"),
        _count_of(applied.removed_annotations, "annotations removed"),
        _count_of(applied.removed_tasks, "tasks removed"),
        _count_of(applied.relabelled, "labels changed"),
        _count_of(applied.stale, "stale"),
        "other targets or labels" if applied.config_changed else "",
        f"asks for a sync: {applied.need_sync}" if applied.need_sync else "",
    ]
    outcome = "; ".join(part for part in parts if part)
    return EventStatus.APPLIED, outcome or "nothing of it was mirrored"


def _count_of(n: int, what: str) -> str:
    return f"{n} {what}" if n else ""


def _text_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]


def _first(reasons: Sequence[str | None]) -> str | None:
    return next(filter(None, reasons), None)
