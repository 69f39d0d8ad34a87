"""Processes a project's received events in order: its locks, its batches and whose turn it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, Func, IntegerField

from mlapi.labelstudio.interruptible import Checkpoint
from mlapi.locks import EVENTS, LockBusy, project_lock
from mlapi.mirror import apply_changes, event_batch, prequential
from registry import queue
from registry.actions import events as event_actions
from registry.actions import projects
from registry.models import Event, Project
from registry.models.event import EventStatus

BATCH = 200
# Of the payloads of a batch, as they are stored: compressed.
_BATCH_BYTES = 2_000_000
# After this time a drain gives its turn to the jobs that wait.
_TURN_S = 0.5
# Whoever writes the mirror takes less: a page, a batch. What takes longer wakes the drain.
_LOCK_WAIT_S = 2.0


def process_pending_events(project_id: int, checkpoint: Checkpoint = lambda: None) -> int:
    """Apply the project's received events in order; the number that was processed.

    One process per project: a second call returns at once, and the first looks for events again
    after it has released the lock, so that none is left. It also returns where something else
    holds the mirror's lock for long. An event that cannot be applied is marked as failed, with the
    reason, and does not affect the others. Requests a sync if an event had too little data.
    `checkpoint` is called after each batch, and may raise.
    """

    def is_over() -> bool:
        checkpoint()
        return False

    return _Drain(project_id, is_over).run().processed


def take_turn(project_id: int) -> bool:
    """As `process_pending_events`, until other jobs have waited for a moment; whether it is done.

    If it is not, it has queued itself again behind them, or somebody else goes on or will wake it.
    """
    ends_at = time.monotonic() + _TURN_S

    def is_over() -> bool:
        return time.monotonic() > ends_at and queue.others_wait()

    drain = _Drain(project_id, is_over).run()
    if drain.is_interrupted:
        event_actions.request_processing(project_id)
    return drain.is_done


@dataclass
class _Drain:
    """One process's work on a project's received events."""

    project_id: int
    is_over: Callable[[], bool]
    processed: int = 0
    is_done: bool = False
    is_interrupted: bool = False

    def run(self) -> "_Drain":
        event_actions.begin_processing(self.project_id)
        while not (self.is_done or self.is_interrupted):
            with project_lock(self.project_id, purpose=EVENTS) as first:
                if not first:
                    break
                try:
                    self._process_all()
                except LockBusy:
                    break
            self.is_done = not self.is_interrupted and not received(self.project_id).exists()
        return self

    def _process_all(self) -> None:
        champions = prequential.LoadedChampions()
        reason = None
        try:
            while not self.is_interrupted:
                batch = self._process_batch(champions)
                reason = reason or batch.need_sync
                if batch.needed:
                    champions.load(batch.needed)  # while the mirror is not locked
                elif not batch.events:
                    return
                self.is_interrupted = self.is_over()
        finally:
            if reason:
                projects.request_sync(Project.objects.get(pk=self.project_id), reason)

    def _process_batch(self, champions: prequential.LoadedChampions) -> event_batch.BatchResult:
        with project_lock(self.project_id, wait_s=_LOCK_WAIT_S):
            # As it is now: a sync or a promotion may have been in between.
            project = Project.objects.select_related("champion").get(pk=self.project_id)
            apply_changes.refresh_stored_config(project)
            done = event_batch.apply_events(project, _next(self.project_id), champions)
        self.processed += done.events
        return done


def received(project_id: int):
    """The events that wait to be applied."""
    return Event.objects.filter(project_id=project_id, status=EventStatus.RECEIVED)


def _next(project_id: int) -> list[Event]:
    """The first received events, in order: so many that they fit in memory."""
    size = Func(F("payload"), function="pg_column_size", output_field=IntegerField())
    waiting = received(project_id).order_by("id").values_list("pk", size)
    chosen, total = [], 0
    for pk, stored in waiting[:BATCH]:
        total += stored
        if chosen and total > _BATCH_BYTES:
            break
        chosen.append(pk)
    return list(Event.objects.filter(pk__in=chosen).order_by("id")) if chosen else []
