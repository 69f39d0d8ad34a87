"""Whether the backend can do its work: the database, its migrations, and the workers."""

from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet

from registry import queue
from registry.errors import DatabaseUnavailable, NotReady
from registry.models import Project, Worker

_migrated = False


def check(projects: QuerySet[Project]) -> dict[str, Any]:
    """What is there, and which of these projects have no working way to Label Studio.

    Raises NotReady with the first thing that is missing. A project without a credential
    learns from webhooks alone, which is no reason not to serve.
    """
    try:
        _require_migrations()
        workers = _require_workers()
        return {"workers": workers, "without_labelstudio": _disconnected(projects)}
    except DatabaseError as e:
        raise DatabaseUnavailable from e


def _require_migrations() -> None:
    """Asked until it is true, because reading the migrations takes a tenth of a second."""
    global _migrated
    if _migrated:
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady("Migrations are not applied.", hint="Run: manage.py migrate")
    _migrated = True


def _require_workers() -> dict[str, str]:
    live = dict(
        Worker.objects.live().order_by("heartbeat_at").values_list("cluster", "heartbeat_at")
    )
    for cluster in (queue.EVENTS, queue.TRAINING):
        if cluster not in live:
            raise NotReady(
                f"No worker of the {cluster} cluster was seen in the last 90 s.",
                hint="Start it: manage.py worker, or make run.",
            )
    return {cluster: at.isoformat() for cluster, at in live.items()}


def _disconnected(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Projects whose last check of the connection failed, with the step and its cure."""
    failed = projects.filter(connection__ok=False).order_by("pk")
    return [
        {"project": p.uid, "failed": p.connection.get("failed"), "cure": _cure(p.connection)}
        for p in failed
    ]


def _cure(report: dict[str, Any]) -> str:
    failed = report.get("failed")
    cures = (s.get("cure", "") for s in report.get("steps", []) if s.get("step") == failed)
    return next(cures, "")
