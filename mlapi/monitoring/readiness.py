"""Whether the backend is ready to work, and what is amiss with its projects."""

from typing import Any

from django.db import DatabaseError
from django.db.models import Exists, OuterRef, QuerySet

from registry import queue, schema_state
from registry.error_codes import CODES
from registry.errors import DatabaseUnavailable, HttpError, NotReady
from registry.models import AuditEntry, Project, Worker

_migrated = False


def require_ready() -> None:
    """Raises NotReady without the reason, which is for who may read more."""
    try:
        _require_migrations()
        _require_workers()
    except (HttpError, DatabaseError) as e:
        raise NotReady(hint="An access key gets the reason.") from e


def check_readiness(projects: QuerySet[Project]) -> dict[str, Any]:
    """The live workers, and which of these projects cannot reach Label Studio or lost its champion.

    Raises NotReady for the first thing that is missing, or DatabaseNewer. A project without a
    credential learns from webhooks alone, and one without a champion until its next version: they
    do not make the backend unready.
    """
    try:
        _require_migrations()
        workers = _require_workers()
        return {
            "workers": workers,
            "without_labelstudio": _disconnected(projects),
            "without_champion": _without_champion(projects),
        }
    except DatabaseError as e:
        raise DatabaseUnavailable from e


def _require_migrations() -> None:
    """Raises NotReady, or DatabaseNewer. That all are applied is cached."""
    global _migrated
    schema_state.require_not_newer()
    if _migrated:
        return
    if schema_state.unapplied():
        raise NotReady("Migrations are not applied.", hint="Run: manage.py migrate")
    _migrated = True


def _require_workers() -> dict[str, str]:
    live = dict(
        Worker.objects.live().order_by("heartbeat_at").values_list("cluster", "heartbeat_at")
    )
    for cluster in (queue.EVENTS, queue.TRAINING):
        if cluster not in live:
            raise NotReady(
                f"No worker of the {cluster} cluster has sent a heartbeat in the last 90 s.",
                hint="Start it: manage.py worker, or make run.",
            )
    return {cluster: at.isoformat() for cluster, at in live.items()}


def _disconnected(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Projects whose last check of the connection failed, with the step and its cure."""
    failed = projects.filter(connection__ok=False).order_by("pk")
    return [
        {"project": p.uid, "failed": step.get("step"), "cure": step.get("cure", "")}
        for p in failed
        for step in [p.failed_step]
    ]


def lost_champion(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Those that fell back to no version: nothing earlier loads."""
    fell = AuditEntry.objects.filter(project=OuterRef("pk"), verb="fall_back")
    return projects.filter(Exists(fell), champion=None).order_by("pk")


def _without_champion(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Projects whose champion does not load, or was lost with no earlier version that loads."""
    found = [
        *lost_champion(projects),
        *projects.filter(champion__load_failed_at__isnull=False).order_by("pk"),
    ]
    return [
        {
            "project": p.uid,
            "champion": p.champion.label if p.champion else None,
            "error": p.champion.load_error if p.champion else _why_lost(p),
            "cure": CODES["artifact_corrupt"].hint,
        }
        for p in found
    ]


def _why_lost(project: Project) -> str:
    last = AuditEntry.objects.filter(project=project, verb="fall_back").order_by("-pk").first()
    return last.reason if last else ""
