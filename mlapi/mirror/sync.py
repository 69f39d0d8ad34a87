"""Makes the mirror of a project's tasks what Label Studio has: everything first, then changes.

Events get lost (Label Studio waits a second and never repeats one), imports come without
their annotations, and an annotation turned into a draft vanishes without a word. So
Label Studio's API has the last say. The project's lock is held from the first byte read
to the last row written: an event that arrives meanwhile is applied afterwards, and what
was read is never older than what it is written over. A sync that is interrupted is
simply repeated.
"""

import logging
import time
from collections.abc import Iterable, Sequence
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
# Label Studio sets `updated_at` before it commits: what is this old and not there will not come.
MARGIN = timedelta(seconds=60)
_CONNECTING_S = (0.5, 1, 2)
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass
class SyncReport:
    """What a sync did; `error` is None if the mirror is now as Label Studio was."""

    reason: str
    mode: str = ""  # "full" or "delta"
    read: int = 0
    fetched: int = 0  # those that only the counters gave away
    dropped: int = 0
    config_changed: bool = False
    seconds: float = 0.0
    error: dict[str, str] | None = None
    sync_cursor_at: datetime | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        return self.error is None


def sync(project: Project, reason: str) -> SyncReport:
    """Bring the mirror up to date. A failure is recorded on the project and in the report.

    The first one, any after a failure and any that finds the webhook wrong also tries the
    connection step by step and mends the webhook. Nothing is deleted when Label Studio no
    longer has the project.
    """
    report = SyncReport(reason)
    started = time.monotonic()
    is_first, all_well = project.synced_at is None, bool(project.connection.get("ok"))
    try:
        with project_lock(project.pk, wait=True):
            project.refresh_from_db()
            labelstudio, _, found = open_project(project)
            with labelstudio:
                _bring_up_to_date(project, labelstudio, found, report)
                all_well = all_well and webhook_repair.is_right(labelstudio, project)
            project_actions.mark_synced(project, sync_cursor_at=report.sync_cursor_at)
    except LabelStudioError as error:
        logger.warning("sync of project %s: %s", project.uid, error.message)
        report.error = {"code": error.code, "message": error.message, "hint": error.hint}
        project_actions.mark_sync_failed(project)
        if _try_connection(project)["ok"]:
            record_failure(project, error)
    else:
        queue.drain(project.pk)  # which asks the policy: labels may suffice now
        if is_first or not all_well:
            _try_connection(project, pauses=_CONNECTING_S if is_first else ())
    report.seconds = round(time.monotonic() - started, 3)
    logger.info("synced project %s: %s", project.uid, report)
    return report


def _try_connection(project: Project, pauses: Sequence[float] = ()) -> dict[str, Any]:
    """Check and repair; again after each pause while it is only the webhook that is missing.

    The first /setup of a project queues its first sync, and comes before Label Studio has
    stored the backend and made the webhook.
    """
    report = check(project, fix=True)
    for pause in pauses:
        if report["failed"] != "webhook":
            break
        time.sleep(pause)
        report = check(project, fix=True)
    return report


def _bring_up_to_date(
    project: Project, labelstudio: LabelStudio, found: dict[str, Any], report: SyncReport
) -> None:
    asked_at = labelstudio.clock
    report.config_changed = bool(
        apply_changes.refresh_config(project, found["label_config"], found["title"])
    )
    if project.synced_at is None:
        report.mode = "full"
        _read_everything(project, labelstudio, report)
    else:
        report.mode = "delta"
        _read_changes(project, labelstudio, report)
    # What was read early may have changed while the rest was read, however long that took. What
    # is older is not read again: a bulk import would be, every hour, at 8 ms a task.
    if report.sync_cursor_at:
        report.sync_cursor_at = min(report.sync_cursor_at, asked_at - MARGIN)


def _read_everything(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    gone = set(task_actions.existing(project).values_list("labelstudio_id", flat=True))
    for batch in chunked(labelstudio.export(project.labelstudio_id), BATCH):
        report.read += _put(project, batch, report)
        gone.difference_update(task["id"] for task in batch)
    report.dropped += _drop(project, gone)


def _read_changes(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    since = project.sync_cursor_at or _BEGINNING
    for page in labelstudio.labelled_since(project.labelstudio_id, since):
        report.read += _put(project, page, report)
    if counts.of_mirror(project) != counts.from_api(labelstudio.project(project.labelstudio_id)):
        _settle_differences(project, labelstudio, report)


def _settle_differences(project: Project, labelstudio: LabelStudio, report: SyncReport) -> None:
    """Compare task by task, by id and number of annotations; fetch and drop what differs.

    What the delta cannot see shows here: tasks that are gone, tasks whose last annotation
    is gone, unlabelled tasks that were imported, and what a long import committed late.
    """
    ours = {
        pk: (annotations, seen_at)
        for pk, annotations, seen_at in task_actions.existing(project).values_list(
            "labelstudio_id", "annotation_ids__len", "source_updated_at"
        )
    }
    differing: list[int] = []
    for page in labelstudio.all_tasks(project.labelstudio_id):
        bare = []
        for task in page:
            if _is_as_mirrored(task, *ours.pop(task["id"], (None, None))):
                continue
            if _annotations(task):
                differing.append(task["id"])
            else:
                bare.append({**task, "annotations": []})
        if bare:
            report.fetched += _put(project, bare, report)
    for page in labelstudio.tasks(project.labelstudio_id, differing):
        report.fetched += _put(project, page, report)
    report.dropped += _drop(project, ours)


def _is_as_mirrored(
    task: dict[str, Any], annotations: int | None, seen_at: datetime | None
) -> bool:
    """Not if Label Studio has given the id of a deleted task to a new one, as SQLite does."""
    is_new = seen_at is not None and datetime.fromisoformat(task["created_at"]) > seen_at
    return annotations == _annotations(task) and not is_new


def _annotations(task: dict[str, Any]) -> int:
    return task["total_annotations"] + task["cancelled_annotations"]


def _put(project: Project, tasks: list[dict[str, Any]], report: SyncReport) -> int:
    apply_changes.put_whole_tasks(project, tasks)
    newest = max(datetime.fromisoformat(task["updated_at"]) for task in tasks)
    report.sync_cursor_at = max(newest, report.sync_cursor_at or newest)
    return len(tasks)


def _drop(project: Project, labelstudio_ids: Iterable[int]) -> int:
    ids = sorted(labelstudio_ids)
    if ids:
        task_actions.drop(project, ids)
    return len(ids)
