"""A sync after the first one, and the mirror after it."""

from collections.abc import Callable, Iterator
from typing import Any

from mlapi.mirror import reading
from mlapi.mirror.sync import SyncReport, sync
from registry.actions import tasks
from registry.models import Project, Task


def resync(project: Project) -> SyncReport:
    """Sync again, without an error; the project is refreshed."""
    project.refresh_from_db()
    report = sync(project, "again")
    assert report.error is None
    project.refresh_from_db()
    return report


def mirrored_tasks(project: Project) -> dict[int, Task]:
    """The mirrored tasks by Label Studio's ids."""
    return {task.labelstudio_id: task for task in tasks.existing(project)}


def between_pages(monkeypatch, step: Callable[[], object]) -> None:
    """Call `step` once a page has been requested, before it is written, and after it."""
    timed = reading._timed

    def with_steps(pages) -> Iterator[Any]:
        for page, read_at in timed(pages):
            step()
            yield page, read_at
            step()

    monkeypatch.setattr(reading, "_timed", with_steps)
