"""The parts of every action: the lock on its project, the changed row, the audit entry."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun


class StateUnchanged(Refused):
    """The row is in that state already."""

    code = "state_unchanged"


def lock(project: Project) -> Project:
    """The project's row as it is now, locked until the transaction ends.

    Not locked against foreign keys (`FOR NO KEY UPDATE`), so that an event or a task
    can be written meanwhile: only actions on the same project wait for each other. The
    champion is not joined: PostgreSQL reads the locked row again after waiting for it,
    but not what was joined to it before.
    """
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def update_row(row: Model, fields: Mapping[str, Any], **where: Any) -> bool:
    """UPDATE the row where these conditions hold, and its instance; False if they do not.

    One statement, so that of two callers who read the same state only one changes it.
    """
    rows = type(row)._default_manager.filter(pk=row.pk, **where)
    if not rows.update(**fields):
        return False
    for name, value in fields.items():
        setattr(row, name, value)
    return True


def record(
    verb: str,
    *,
    actor: str,
    project: Project | None = None,
    reason: str = "",
    version: ModelVersion | None = None,
    from_version: ModelVersion | None = None,
    to_version: ModelVersion | None = None,
    run: TrainingRun | None = None,
    numbers: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append an audit entry. Call it in the transaction of the change that it records."""
    return AuditEntry.objects.create(
        project=project,
        verb=verb,
        actor=sanitize(actor)[:150],
        reason=sanitize(reason),
        version=version,
        from_version=from_version,
        to_version=to_version,
        run=run,
        numbers=sanitize(numbers or {}),
    )
