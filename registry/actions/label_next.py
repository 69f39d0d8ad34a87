"""Actions on the tab of Label Studio with the tasks to label next."""

from collections.abc import Mapping

from django.db import transaction

from registry.models import AuditEntry, PickedTask, Project

from . import base


@transaction.atomic
def record_tab(
    project: Project, tab: int, picked: Mapping[int, bool], *, actor: str, reason: str = ""
) -> AuditEntry:
    """Store the tab's id, and of each task in it (by id) whether it was drawn at random.

    A task keeps what it was picked as first.
    """
    base.lock(project)
    base.update_row(project, {"label_next_tab": tab})
    PickedTask.objects.bulk_create(
        (PickedTask(task_id=task, at_random=at_random) for task, at_random in picked.items()),
        ignore_conflicts=True,
    )
    numbers = {"tab": tab, "tasks": len(picked), "at_random": sum(picked.values())}
    return base.record(
        "label_next_tab", actor=actor, project=project, reason=reason, numbers=numbers
    )
