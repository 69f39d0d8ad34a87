"""Reconciles the mirror of a project's tasks with Label Studio's API: in full first, then changes.

Events get lost (Label Studio waits a second and never repeats one), imports have no annotations,
and an annotation that is turned into a draft sends no event. One process at a time reads a project;
a sync that is interrupted is repeated, a first one from where it ended.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.credentials import open_project
from mlapi.labelstudio.errors import LabelStudioError
from mlapi.labelstudio.interruptible import Checkpoint, within
from mlapi.locks import READING, project_lock
from mlapi.mirror import apply_changes, webhook_repair
from mlapi.mirror.connection_check import check, record_failure
from mlapi.mirror.reading import MARGIN, Reading, SyncReport
from registry import queue
from registry.actions import projects as project_actions
from registry.actions import tasks as task_actions
from registry.models import Project

logger = logging.getLogger(__name__)

# Less than a job of the events cluster may take; the next sync goes on.
READING_S = 3_000.0
_CONNECTING_S = (0.5, 1, 2)


def sync(
    project: Project,
    reason: str,
    *,
    checkpoint: Checkpoint = lambda: None,
    enough: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Bring the mirror up to date. A failure is recorded on the project and in the report.

    The first sync, one after a failure and one that finds the webhook misconfigured also check
    the connection and repair the webhook. Nothing is deleted if Label Studio no longer has the
    project. `checkpoint` is called all the while, and may raise; `enough` ends a first sync after a
    page.
    """
    report = SyncReport(reason)
    with project_lock(project.pk, purpose=READING) as first:
        if not first:
            report.is_busy = True
            return report
        message = f"Label Studio was not read within {READING_S:g} s"
        _sync(project, report, within(READING_S, message, checkpoint), enough)
    logger.info("synced project %s: %s", project.uid, report)
    return report


def _sync(
    project: Project, report: SyncReport, checkpoint: Checkpoint, enough: Callable[[], bool]
) -> None:
    started = time.monotonic()
    project.refresh_from_db()  # another process may have read it until now
    project_actions.begin_sync(project)
    is_first, is_healthy = project.synced_at is None, bool(project.connection.get("ok"))
    try:
        labelstudio, _, data = open_project(project, checkpoint=checkpoint)
        with labelstudio:
            _bring_up_to_date(project, labelstudio, data, report, enough)
            is_healthy = is_healthy and webhook_repair.is_correct(labelstudio, project)
        if not report.is_interrupted:
            unreadable = _unreadable(project, labelstudio, report)
            project_actions.mark_synced(
                project, sync_cursor_at=report.sync_cursor_at, unreadable_tasks=unreadable
            )
    except LabelStudioError as error:
        logger.warning("sync of project %s: %s", project.uid, error.message)
        report.error = {"code": error.code, "message": error.message, "hint": error.hint}
        project_actions.mark_sync_failed(project)
        if _try_connection(project, checkpoint)["ok"]:
            record_failure(project, error)
    else:
        queue.process_events(project.pk)  # which applies the training policy, too
        if is_first or not is_healthy:
            _try_connection(project, checkpoint, pauses=_CONNECTING_S if is_first else ())
    report.seconds = round(time.monotonic() - started, 3)


def _try_connection(
    project: Project, checkpoint: Checkpoint, pauses: Sequence[float] = ()
) -> dict[str, Any]:
    """Check the connection and repair it; again after each pause while only the webhook fails.

    The first /setup of a project queues its first sync, before Label Studio has stored the
    backend and created the webhook.
    """
    report = check(project, fix=True, checkpoint=checkpoint)
    for pause in pauses:
        if report["failed"] != "webhook":
            break
        time.sleep(pause)
        report = check(project, fix=True, checkpoint=checkpoint)
    return report


def _bring_up_to_date(
    project: Project,
    labelstudio: LabelStudio,
    data: dict[str, Any],
    report: SyncReport,
    enough: Callable[[], bool],
) -> None:
    started_at = labelstudio.clock
    with project_lock(project.pk, wait=True):
        project.refresh_from_db()
        report.config_changed = bool(
            apply_changes.refresh_config(project, data["label_config"], data["title"])
        )
    reading = Reading(project, labelstudio, report, enough)
    project_actions.begin_data_reading(project)
    if project.synced_at is None:
        reading.everything(data["task_number"] or 0)
    else:
        reading.changes()
    # Tasks that were read first may have changed while the others were read.
    if report.sync_cursor_at:
        report.sync_cursor_at = min(report.sync_cursor_at, started_at - MARGIN)


def _unreadable(project: Project, labelstudio: LabelStudio, report: SyncReport) -> list[int]:
    """The existing tasks that Label Studio could not return; those that just failed come last."""
    failed = labelstudio.unreadable.keys()
    before = set(project.unreadable_tasks) - report.read_again
    report.unreadable = len(failed)
    existing = task_actions.existing(project).filter(labelstudio_id__in=before | failed)
    ids = existing.values_list("labelstudio_id", flat=True)
    return sorted(ids, key=lambda pk: (pk in failed, pk))
