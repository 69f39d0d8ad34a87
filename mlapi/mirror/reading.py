"""Reads a project's tasks from Label Studio in pages, and writes each page to the mirror at once.

The mirror's lock is held for the writing of a page only, so events are applied between any two. A
task is therefore written only if no event has been applied to it since its page was requested, and
nothing that an event has deleted comes back; what was passed over is read again at the end. Tasks
are dropped only after the whole reading, by a list of all ids, and after Label Studio has said once
more which project that is.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from more_itertools import chunked

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.credentials import fetch
from mlapi.labelstudio.errors import LabelStudioError
from mlapi.locks import project_lock
from mlapi.mirror import apply_changes, counts
from registry import queue
from registry.actions import events as event_actions
from registry.actions import projects as project_actions
from registry.actions import tasks as task_actions
from registry.models import Project

logger = logging.getLogger(__name__)

BATCH = 500
RETRIED = 20  # tasks at once that Label Studio could not return before
# Label Studio composes an export before its first byte: a fourth of the pages' time for a few
# tasks, and minutes in which nothing is mirrored for many.
EXPORT_UP_TO = 1_000
# Label Studio sets `updated_at` before it commits, so that newer tasks may still be missing.
MARGIN = timedelta(seconds=60)
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_READ_AGAIN = 3  # times; the next sync reads what is still passed over then

Page = list[dict[str, Any]]


@dataclass
class SyncReport:
    """The effect of a sync; `error` is None if it has succeeded."""

    reason: str
    mode: str = ""  # "full" or "delta"
    read: int = 0
    fetched: int = 0  # tasks that only the comparison with Label Studio has found
    dropped: int = 0
    data_read: int = 0  # tasks whose data were read again, because the label config shows others
    config_changed: bool = False
    seconds: float = 0.0
    export_error: str = ""  # the pages were read in place of the export
    unreadable: int = 0  # tasks that Label Studio could not return
    is_busy: bool = False  # another process reads the project, so nothing was done
    is_interrupted: bool = False  # enough was read for now
    error: dict[str, str] | None = None
    sync_cursor_at: datetime | None = field(default=None, repr=False)
    read_again: set[int] = field(default_factory=set, repr=False)

    @property
    def ok(self) -> bool:
        return self.error is None


class Reading:
    """One reading of a project. `enough` is called after each page of a first one, and ends it."""

    def __init__(
        self,
        project: Project,
        labelstudio: LabelStudio,
        report: SyncReport,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._project = project
        self._labelstudio = labelstudio
        self._report = report
        self._enough = enough
        self._passed_over: set[int] = set()

    def everything(self, total: int) -> None:
        """Read all tasks, of which Label Studio counts so many; go on where a reading ended."""
        self._report.mode = "full"
        is_resumed = "after" in self._project.reading
        if is_resumed or total > EXPORT_UP_TO or not self._export():
            self._by_pages(total)
        self._read_passed_over()

    def changes(self) -> None:
        """Read what has changed since the last reading, by time and by the numbers of each task."""
        self._report.mode = "delta"
        self._changed_since(self._project.sync_cursor_at or _BEGINNING)
        self._retry_unreadable()
        if self._project.reading.get("data") and self._project.pipeline:
            self._read_data()
        data = fetch(self._labelstudio, self._project)
        if counts.of_mirror(self._project) != counts.from_api(data):
            self._compare()
        self._read_passed_over()

    def _export(self) -> bool:
        """Read the export; False where it fails.

        Gateways cut it off, and one task that Label Studio cannot return spoils it.
        """
        read_at, ids = timezone.now(), set()
        try:
            for batch in chunked(self._labelstudio.export(self._project.labelstudio_id), BATCH):
                self._report.read += self._put(batch, read_at)
                ids.update(task["id"] for task in batch)
        except LabelStudioError as error:
            self._report.export_error = error.message
            self._report.read = 0
            return False
        self._drop_others(ids, read_at)
        return True

    def _by_pages(self, total: int) -> None:
        since = self._labelstudio.clock.isoformat()
        state: dict[str, Any] = {"after": 0, "read": 0, "since": since, **self._project.reading}
        pages = self._labelstudio.annotated_tasks(self._project.labelstudio_id, state["after"])
        for page, read_at in _timed(pages):
            put = self._put(page, read_at)
            self._report.read += put
            read = state["read"] + put
            state |= {"after": page[-1]["id"], "read": read, "of": max(total, read)}
            project_actions.record_reading(self._project, state)
            queue.process_events(self._project.pk)  # which applies the training policy, too
            if self._enough():
                self._report.is_interrupted = True
                return
        self._changed_since(datetime.fromisoformat(state["since"]) - MARGIN)
        self._compare()

    def _changed_since(self, since: datetime) -> None:
        """Read the tasks with annotations that were updated since, but for those that are as read.

        Label Studio's *Retrieve Predictions* and its margin of time name many that are.
        """
        for outlines in self._labelstudio.outlines_since(self._project.labelstudio_id, since):
            self._note_cursor(outlines)
            self._report.read += self._fetch(self._not_as_read(outlines))

    def _not_as_read(self, outlines: Page) -> list[int]:
        """Those whose row is another, or was changed by an event since it was read."""
        read = {
            pk: (updated_at, annotations)
            for pk, updated_at, annotations, event_at in self._rows(outlines).values_list(
                "labelstudio_id", "source_updated_at", "annotation_ids__len", "event_at"
            )
            if event_at is None and pk not in self._project.unreadable_tasks
        }
        return [
            task["id"]
            for task in outlines
            if read.get(task["id"])
            != (datetime.fromisoformat(task["updated_at"]), _annotations(task))
        ]

    def _fetch(self, ids: Iterable[int]) -> int:
        pages = self._labelstudio.tasks(self._project.labelstudio_id, ids)
        return sum(self._put(page, read_at) for page, read_at in _timed(pages))

    def _retry_unreadable(self) -> None:
        """Read the tasks that could not be read before, until some of them fail again."""
        for batch in chunked(self._project.unreadable_tasks, RETRIED):
            self._report.fetched += self._fetch(batch)
            if not self._labelstudio.unreadable.keys().isdisjoint(batch):
                return

    def _read_data(self) -> None:
        """Read the data of all tasks, as today's label config shows them; annotations stay.

        Their `updated_at` has not changed, so no delta has them.
        """
        for page, read_at in _timed(self._labelstudio.all_tasks(self._project.labelstudio_id)):
            data = [{k: v for k, v in task.items() if k != "annotations"} for task in page]
            self._report.data_read += self._put(data, read_at)

    def _compare(self) -> None:
        """Compare task by task, by id and number of annotations; fetch and drop the differences.

        Those are what the delta has not: deleted tasks, tasks whose last annotation was deleted,
        imported tasks without annotations, and tasks that a long import has committed late.
        """
        began, listed = timezone.now(), set()
        for page, read_at in _timed(self._labelstudio.all_tasks(self._project.labelstudio_id)):
            listed.update(task["id"] for task in page)
            differing = self._differing(page)
            unlabelled = [
                {**task, "annotations": []} for task in differing if not _annotations(task)
            ]
            if unlabelled:
                self._report.fetched += self._put(unlabelled, read_at)
            self._report.fetched += self._fetch(t["id"] for t in differing if _annotations(t))
        self._drop_others(listed, began)

    def _differing(self, page: Page) -> Page:
        mirrored = {
            pk: (annotations, mirrored_at)
            for pk, annotations, mirrored_at in self._rows(page).values_list(
                "labelstudio_id", "annotation_ids__len", "source_updated_at"
            )
        }
        return [t for t in page if not _is_as_mirrored(t, *mirrored.get(t["id"], (None, None)))]

    def _read_passed_over(self) -> None:
        for _ in range(_READ_AGAIN):
            ids, self._passed_over = self._passed_over, set()
            self._fetch(ids)

    def _put(self, tasks: Page, read_at: datetime) -> int:
        """Write what was requested at that time; the number of tasks."""
        with project_lock(self._project.pk, wait=True):
            self._project.refresh_from_db()
            applied = apply_changes.put_read_tasks(self._project, tasks, read_at)
        for pk, reason in applied.refused.items():
            logger.warning("task %s of project %s: %s", pk, self._project.uid, reason)
            self._labelstudio.unreadable[pk] = reason
        self._passed_over |= applied.passed_over
        self._report.read_again.update(
            task["id"] for task in tasks if "data" in task and task["id"] not in applied.refused
        )
        self._note_cursor(tasks)
        event_actions.request_processing(self._project.pk)
        return len(tasks)

    def _note_cursor(self, tasks: Page) -> None:
        newest = max(datetime.fromisoformat(task["updated_at"]) for task in tasks)
        self._report.sync_cursor_at = max(newest, self._report.sync_cursor_at or newest)

    def _drop_others(self, ids: set[int], began: datetime) -> None:
        """Drop the tasks that Label Studio's list has not, which was requested at that time.

        Raises ProjectMismatch where its name leads to another Label Studio by now.
        """
        if not self._others(ids, began):
            return
        fetch(self._labelstudio, self._project)
        with project_lock(self._project.pk, wait=True):
            gone = self._others(ids, began)
            self._report.dropped += task_actions.drop(self._project, sorted(gone))

    def _others(self, ids: set[int], began: datetime) -> set[int]:
        old = task_actions.existing(self._project).filter(
            Q(event_at__isnull=True) | Q(event_at__lt=began), created_at__lt=began
        )
        return set(old.values_list("labelstudio_id", flat=True)) - ids

    def _rows(self, tasks: Page):
        ids = [task["id"] for task in tasks]
        return task_actions.existing(self._project).filter(labelstudio_id__in=ids)


def _timed(pages: Iterator[Page]) -> Iterator[tuple[Page, datetime]]:
    """Each page, and a time before which it was not requested."""
    while True:
        read_at = timezone.now()
        page = next(pages, None)
        if page is None:
            return
        yield page, read_at


def _is_as_mirrored(
    task: dict[str, Any], annotations: int | None, mirrored_at: datetime | None
) -> bool:
    """False if Label Studio has given the id of a deleted task to a new one, as SQLite does."""
    is_new = mirrored_at is not None and datetime.fromisoformat(task["created_at"]) > mirrored_at
    return annotations == _annotations(task) and not is_new


def _annotations(task: dict[str, Any]) -> int:
    return task["total_annotations"] + task["cancelled_annotations"]
