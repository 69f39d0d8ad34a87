"""Reconciles the mirror of a project's tasks with Label Studio's API: in full first, then changes.

Events get lost (Label Studio waits a second and never repeats one), imports have no annotations,
and an annotation that is turned into a draft sends no event. The project's lock is held from the
first byte read to the last row written: an event that arrives in between is applied afterwards,
and no row is overwritten by older data. A sync that is interrupted is repeated.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from more_itertools import chunked

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.credentials import open_project
from mlapi.labelstudio.errors import LabelStudioError
from mlapi.locks import project_lock
from mlapi.mirror import apply_changes, counts, webhook_repair
from mlapi.mirror.connection_check import check, record_failure
from registry import queue
from registry.actions import projects as project_actions
from registry.actions import tasks as task_actions
from registry.models import Project

logger = logging.getLogger(__name__)

BATCH = 500
RETRIED = 20  # tasks at once that Label Studio could not return before
# Label Studio sets `updated_at` before it commits, so that newer tasks may still be missing.
MARGIN = timedelta(seconds=60)
_CONNECTING_S = (0.5, 1, 2)
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass
class SyncReport:
    """The effect of a sync; `error` is None if it has succeeded."""

    reason: str
    mode: str = ""  # "full" or "delta"
    read: int = 0
    fetched: int = 0  # tasks that only the comparison of counts has found
    dropped: int = 0
    data_read: int = 0  # tasks whose data were read again, because the label config shows others
    config_changed: bool = False
    seconds: float = 0.0
    export_error: str = ""  # the pages were read in place of the export
    unreadable: int = 0  # tasks that Label Studio could not return
    error: dict[str, str] | None = None
    sync_cursor_at: datetime | None = field(default=None, repr=False)
    read_again: set[int] = field(default_factory=set, repr=False)

    @property
    def ok(self) -> bool:
        return self.error is None


def sync(project: Project, reason: str) -> SyncReport:
    """Bring the mirror up to date. A failure is recorded on the project and in the report.

    The first sync, one after a failure and one that finds the webhook misconfigured also check
    the connection and repair the webhook. Nothing is deleted if Label Studio no longer has the
    project.
    """
    report = SyncReport(reason)
    started = time.monotonic()
    is_first, is_healthy = project.synced_at is None, bool(project.connection.get("ok"))
    try:
        with project_lock(project.pk, wait=True):
            project.refresh_from_db()
            labelstudio, _, data = open_project(project)
            with labelstudio:
                _bring_up_to_date(project, labelstudio, data, report)
                is_healthy = is_healthy and webhook_repair.is_correct(labelstudio, project)
            unreadable = _unreadable(project, labelstudio, report)
            project_actions.mark_synced(
                project, sync_cursor_at=report.sync_cursor_at, unreadable_tasks=unreadable
            )
    except LabelStudioError as error:
        logger.warning("sync of project %s: %s", project.uid, error.message)
        report.error = {"code": error.code, "message": error.message, "hint": error.hint}
        project_actions.mark_sync_failed(project)
        if _try_connection(project)["ok"]:
            record_failure(project, error)
    else:
        queue.process_events(project.pk)  # which applies the training policy, too
        if is_first or not is_healthy:
            _try_connection(project, pauses=_CONNECTING_S if is_first else ())
    report.seconds = round(time.monotonic() - started, 3)
    logger.info("synced project %s: %s", project.uid, report)
    return report


def _try_connection(project: Project, pauses: Sequence[float] = ()) -> dict[str, Any]:
    """Check the connection and repair it; again after each pause while only the webhook fails.

    The first /setup of a project queues its first sync, before Label Studio has stored the
    backend and created the webhook.
    """
    report = check(project, fix=True)
    for pause in pauses:
        if report["failed"] != "webhook":
            break
        time.sleep(pause)
        report = check(project, fix=True)
    return report


def _bring_up_to_date(
    project: Project, labelstudio: LabelStudio, data: dict[str, Any], report: SyncReport
) -> None:
    started_at = labelstudio.clock
    report.config_changed = bool(
        apply_changes.refresh_config(project, data["label_config"], data["title"])
    )
    if project.synced_at is None:
        report.mode = "full"
        _read_everything(project, labelstudio, report)
    else:
        report.mode = "delta"
        _read_changes(project, labelstudio, report)
    # Tasks that were read first may have changed while the others were read. Older ones are not
    # read again: a bulk import would be, every hour, at 8 ms a task.
    if report.sync_cursor_at:
        report.sync_cursor_at = min(report.sync_cursor_at, started_at - MARGIN)


def _read_everything(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    missing = set(task_actions.existing(project).values_list("labelstudio_id", flat=True))
    for batch in _annotated_tasks(project, labelstudio, report):
        report.read += _put(project, batch, report)
        missing.difference_update(task["id"] for task in batch)
    report.dropped += _drop(project, missing)


def _annotated_tasks(
    project: Project, labelstudio: LabelStudio, report: SyncReport
) -> Iterator[list[dict[str, Any]]]:
    """All tasks, in batches: of the export, or where it fails of the pages.

    Gateways cut the export off, and one task that Label Studio cannot return spoils it.
    """
    try:
        yield from chunked(labelstudio.export(project.labelstudio_id), BATCH)
        return
    except LabelStudioError as error:
        logger.warning("no export of project %s, so by pages: %s", project.uid, error.message)
        report.export_error = error.message
    report.read = 0
    yield from labelstudio.annotated_tasks(project.labelstudio_id)


def _read_changes(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    since = project.sync_cursor_at or _BEGINNING
    for page in labelstudio.labelled_since(project.labelstudio_id, since):
        report.read += _put(project, page, report)
    _retry_unreadable(project, labelstudio, report)
    if project.data_outdated and project.pipeline:
        _read_data(project, labelstudio, report)
    if counts.of_mirror(project) != counts.from_api(labelstudio.project(project.labelstudio_id)):
        _reconcile(project, labelstudio, report)


def _retry_unreadable(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    """Read the tasks that could not be read before, until some of them fail again."""
    for batch in chunked(project.unreadable_tasks, RETRIED):
        for page in labelstudio.tasks(project.labelstudio_id, batch):
            report.fetched += _put(project, page, report)
        if not labelstudio.unreadable.keys().isdisjoint(batch):
            return


def _read_data(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    """Read the data of all tasks, as today's label config shows them; annotations stay.

    Their `updated_at` has not changed, so no delta has them.
    """
    for page in labelstudio.all_tasks(project.labelstudio_id):
        data = [{k: v for k, v in task.items() if k != "annotations"} for task in page]
        report.data_read += _put(project, data, report)


def _reconcile(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    """Compare task by task, by id and number of annotations; fetch and drop the differences.

    Those are what the delta has not: deleted tasks, tasks whose last annotation was deleted,
    imported tasks without annotations, and tasks that a long import has committed late.
    """
    mirrored = {
        pk: (annotations, mirrored_at)
        for pk, annotations, mirrored_at in task_actions.existing(project).values_list(
            "labelstudio_id", "annotation_ids__len", "source_updated_at"
        )
    }
    differing: list[int] = []
    for page in labelstudio.all_tasks(project.labelstudio_id):
        unlabelled = []
        for task in page:
            if _is_as_mirrored(task, *mirrored.pop(task["id"], (None, None))):
                continue
            if _annotations(task):
                differing.append(task["id"])
            else:
                unlabelled.append({**task, "annotations": []})
        if unlabelled:
            report.fetched += _put(project, unlabelled, report)
    for page in labelstudio.tasks(project.labelstudio_id, differing):
        report.fetched += _put(project, page, report)
    report.dropped += _drop(project, mirrored)


def _is_as_mirrored(
    task: dict[str, Any], annotations: int | None, mirrored_at: datetime | None
) -> bool:
    """False if Label Studio has given the id of a deleted task to a new one, as SQLite does."""
    is_new = mirrored_at is not None and datetime.fromisoformat(task["created_at"]) > mirrored_at
    return annotations == _annotations(task) and not is_new


def _annotations(task: dict[str, Any]) -> int:
    return task["total_annotations"] + task["cancelled_annotations"]


def _put(project: Project, tasks: list[dict[str, Any]], report: SyncReport) -> int:
    apply_changes.put_whole_tasks(project, tasks)
    report.read_again.update(task["id"] for task in tasks if "data" in task)
    newest = max(datetime.fromisoformat(task["updated_at"]) for task in tasks)
    report.sync_cursor_at = max(newest, report.sync_cursor_at or newest)
    return len(tasks)


def _unreadable(project: Project, labelstudio: LabelStudio, report: SyncReport) -> list[int]:
    """The existing tasks that Label Studio could not return; those that just failed come last."""
    failed = labelstudio.unreadable.keys()
    before = set(project.unreadable_tasks) - report.read_again
    report.unreadable = len(failed)
    existing = task_actions.existing(project).filter(labelstudio_id__in=before | failed)
    ids = existing.values_list("labelstudio_id", flat=True)
    return sorted(ids, key=lambda pk: (pk in failed, pk))


def _drop(project: Project, labelstudio_ids: Iterable[int]) -> int:
    ids = sorted(labelstudio_ids)
    if ids:
        task_actions.drop(project, ids)
    return len(ids)
