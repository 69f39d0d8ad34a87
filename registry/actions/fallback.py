"""Serving's reaction to a champion that does not load: it falls back, or keeps the champion."""

from collections.abc import Callable

from django.db import transaction

from registry.models import AuditEntry, ModelVersion, Project

from . import base, champion, versions


def fall_back(
    project: Project,
    version: ModelVersion,
    *,
    actor: str,
    error: str,
    loads: Callable[[ModelVersion], bool],
) -> ModelVersion | None:
    """The version did not load: move the champion to the newest earlier one that does, or to none.

    `loads` fetches and loads a version and says whether that went well; it is slow, so it
    is asked outside of the transaction. Returns the champion afterwards, which is
    someone else's choice if the pointer was moved meanwhile.
    """
    versions.mark_load_failed(version, error)
    goal = _newest_earlier_that_loads(version, loads)
    with transaction.atomic():
        project = base.lock(project)
        if project.champion_id != version.pk:
            return project.champion
        if goal is not None:
            goal.refresh_from_db()
            champion.require_fit_to_serve(goal, project)
        champion.move("fall_back", project, goal, actor, error, from_failed=version)
    return goal


def record_kept(version: ModelVersion, *, actor: str, reason: str) -> None:
    """Record that the champion stays though a process could not load it; once, not at every try."""
    project = version.project
    last = AuditEntry.objects.filter(project=project).order_by("-id").first()
    if last and (last.verb, last.reason) == ("keep", reason):
        return
    base.record(
        "keep",
        actor=actor,
        project=project,
        reason=reason,
        version=version,
        from_version=version,
        to_version=version,
    )


def _newest_earlier_that_loads(
    version: ModelVersion, loads: Callable[[ModelVersion], bool]
) -> ModelVersion | None:
    earlier = ModelVersion.objects.filter(
        project=version.project_id,
        number__lt=version.number,
        archived_at__isnull=True,
        load_failed_at__isnull=True,
    )
    for candidate in earlier.order_by("-number"):
        if loads(candidate):
            return candidate
        versions.mark_load_failed(candidate, "It did not load when a fall-back tried it.")
    return None
