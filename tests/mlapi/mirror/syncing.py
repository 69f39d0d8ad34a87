"""A sync after the first one, and the mirror after it."""

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
