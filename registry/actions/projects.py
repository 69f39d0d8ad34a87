"""Actions on a project: its setup and label config from Label Studio, and its sync."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Greatest
from django.utils import timezone

from registry import queue
from registry.json_sanitize import sanitize
from registry.label_renames import LabelSets, after_config, label_changes
from registry.models import AuditEntry, Project

from . import base, notifications

# A request for a sync that has not begun for so long: it waits for a worker, or is lost.
SYNC_LOST_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class Setup:
    """What a /setup says of its project.

    `with_password`: the caller gave basic credentials, so the host that it names knows them.
    """

    label_config: str
    hostname: str
    setup_token: str
    extra_params: Any
    backend_url: str
    with_password: bool = False

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The fields of a new project, but for the config."""
        hostname = sanitize(self.hostname).rstrip("/")[:500]
        extra_params, backend_url = sanitize(self.extra_params), self.backend_url[:500]
        fields = {"extra_params": extra_params, "backend_url": backend_url}
        if hostname:
            fields |= {"hostname": hostname, "setup_token": sanitize(self.setup_token)}
            fields |= {"knows_password": True} if self.with_password else {}
        return fields

    def changes(self, project: Project) -> dict[str, Any]:
        """The fields that the project has with other values, but for the config.

        The first hostname is pinned; another one is only noted, and nothing else of its request
        is stored: its token belongs to a host that no one has vouched for.
        """
        is_foreign = self._is_foreign(project)
        fields = {"other_hostname": self.fields["hostname"]} if is_foreign else self.fields
        return {name: value for name, value in fields.items() if getattr(project, name) != value}

    def has_new_config(self, project: Project) -> bool:
        """Whether the config is another one than the project's, and from its own host."""
        if not self.label_config or self._is_foreign(project):
            return False
        return bool(sanitize(self.label_config) != project.label_config)

    def is_stored_in(self, project: Project) -> bool:
        """Whether the project has all of it already."""
        return not self.changes(project) and not self.has_new_config(project)

    def _is_foreign(self, project: Project) -> bool:
        """Whether it names another host than the one that the project is pinned to."""
        hostname = self.fields.get("hostname")
        return bool(project.hostname and hostname and hostname != project.hostname)


def upsert_from_setup(uid: str, setup: Setup) -> tuple[Project, bool, bool]:
    """Store a /setup; return the project, whether it is new, and whether its config is.

    One query when nothing changed, two for a change or a new project. The label
    config itself is stored by `set_config` alone, together with the fingerprint and the
    pipeline that belong to it, so it counts as new until its event is applied.
    """
    project = Project.objects.select_related("champion").filter(uid=uid).first()
    created = False
    if project is None:
        project, created = _insert(uid, **setup.fields)
    has_new_config = setup.has_new_config(project)
    if changes := setup.changes(project):
        # Only while the pinned hostname is still the one that was read: of two first setups
        # from two hosts, one pins, and the other comes again.
        now = {"updated_at": timezone.now()}
        base.update_row(project, changes | now, hostname=project.hostname)
    return project, created, has_new_config


def get_or_create(uid: str, *, title: str = "") -> Project:
    """The project of a webhook, created if no /setup has named it yet."""
    project = Project.objects.select_related("champion").filter(uid=uid).first()
    return project or _insert(uid, title=sanitize(title)[:500])[0]


def _insert(uid: str, **fields: Any) -> tuple[Project, bool]:
    """Insert the project unless another request just did; True for the request that did."""
    fresh = Project(uid=uid, **fields)
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        return Project.objects.select_related("champion").get(uid=uid), False
    return fresh, True


@transaction.atomic
def set_config(
    project: Project,
    label_config: str,
    *,
    title: str | None = None,
    fingerprint: str,
    pipeline: str,
    unserved_reason: str = "",
    control_since: dict[str, str] | None = None,
    labels_before: LabelSets | None = None,
    labels: LabelSets | None = None,
    data_outdated: bool = False,
) -> bool:
    """Store a label config with what it amounts to; True if its targets or labels are others.

    `labels_before` and `labels` are those of its controls, before and now.
    """
    current = base.lock(project)
    before, now = current.fingerprint, timezone.now()
    fields: dict[str, Any] = {
        "label_config": sanitize(label_config),
        "fingerprint": fingerprint,
        "pipeline": pipeline,
        "unserved_reason": sanitize(unserved_reason),
        "data_outdated": data_outdated,
        "updated_at": now,
    }
    if title is not None:
        fields["title"] = sanitize(title)[:500]
    if labels_before and labels:
        # Of the locked row: a rename may have been confirmed since the project was read.
        stored = current.label_renames, labels_before, labels, now
        fields["label_renames"] = sanitize(after_config(*stored))
        changes = current.label_changes, labels_before, labels, now
        fields["label_changes"] = sanitize(label_changes(*changes))
    if control_since is not None:
        fields["control_since"] = sanitize(control_since)
    base.update_row(project, fields)
    if before and before != fingerprint:
        base.record(
            "config_changed",
            actor="labelstudio",
            project=project,
            reason=unserved_reason,
            numbers={"from": before, "to": fingerprint, "pipeline": pipeline},
        )
    return before != fingerprint


@transaction.atomic
def archive(project: Project, *, actor: str, reason: str = "") -> AuditEntry:
    """Archive the project: it neither trains by itself, nor is it read, nor on the home page."""
    base.lock(project)
    if not base.update_row(project, {"archived_at": timezone.now()}, archived_at__isnull=True):
        raise base.StateUnchanged(f"{project} is archived already.")
    return base.record("archive_project", actor=actor, project=project, reason=reason)


@transaction.atomic
def unarchive(project: Project, *, actor: str, reason: str = "") -> AuditEntry:
    """Take a project out of the archive, and read what it has missed."""
    base.lock(project)
    if not base.update_row(project, {"archived_at": None}, archived_at__isnull=False):
        raise base.StateUnchanged(f"{project} is not archived.")
    request_sync(project, "out of the archive")
    return base.record("unarchive_project", actor=actor, project=project, reason=reason)


@transaction.atomic
def record_connection(project: Project, report: dict[str, Any]) -> bool:
    """Store the report of a connection check; False if the credentials were set since it began."""
    current = base.lock(project)
    if (current.labelstudio_url, current.labelstudio_key) != (
        project.labelstudio_url,
        project.labelstudio_key,
    ):
        return False
    was_reached = current.connection.get("ok")
    base.update_row(
        project, {"connection": sanitize(report), "connection_checked_at": timezone.now()}
    )
    if was_reached and not report.get("ok"):
        notifications.connection_lost(project)
    return True


def request_sync(project: Project, reason: str) -> bool:
    """Queue a sync unless one is waiting already; True if it was queued."""
    now = timezone.now()
    with transaction.atomic():
        row = Project.objects.filter(pk=project.pk)
        before = row.values_list("sync_queued_at", flat=True).first()
        recent = Q(sync_queued_at__isnull=False, sync_queued_at__gt=now - SYNC_LOST_AFTER)
        requested = bool(row.exclude(recent).update(sync_queued_at=now))
        if requested and (before is None or project.pk not in queue.waiting_projects("sync")):
            queue.sync(project.pk, reason)
            return True
    return False


def requeue_syncs() -> None:
    """Queue the syncs that were requested while all that may read were reading."""
    requested = Project.objects.filter(sync_queued_at__isnull=False)
    ids = set(requested.values_list("pk", flat=True))
    for project in sorted(ids - queue.waiting_projects("sync")):
        queue.sync(project, "requested during another sync")


def begin_sync(project: Project) -> None:
    """Record that a sync has begun: a request from now on is for another one."""
    state = {k: v for k, v in project.reading.items() if k != "failed"}
    record_reading(project, {**state, "began_at": timezone.now().isoformat()})
    base.update_row(project, {"sync_queued_at": None})


def record_reading(project: Project, state: dict[str, Any]) -> None:
    """Store how far a reading is."""
    base.update_row(project, {"reading": state})


def begin_data_reading(project: Project) -> None:
    """Record that the data of all tasks are read from now on, if they are outdated.

    Data that become outdated meanwhile are read by the next sync. Those of a config without a
    pipeline, which has no input, wait for the next config.
    """
    if project.data_outdated and project.pipeline:
        state = {**project.reading, "data": True}
        base.update_row(project, {"reading": state, "data_outdated": False})


def mark_synced(
    project: Project,
    *,
    sync_cursor_at: datetime | None = None,
    unreadable_tasks: Sequence[int] = (),
) -> None:
    """Record a complete sync; the next one reads tasks updated since `sync_cursor_at`."""
    fields: dict[str, Any] = {
        "synced_at": timezone.now(),
        "unreadable_tasks": list(unreadable_tasks),
        "reading": {},
    }
    if sync_cursor_at is not None:
        fields["sync_cursor_at"] = Greatest("sync_cursor_at", sync_cursor_at)
    Project.objects.filter(pk=project.pk).update(**fields)
    project.refresh_from_db(fields=[*fields, "sync_cursor_at"])


def mark_data_outdated(project: Project) -> None:
    """Let the next sync read the data of all tasks."""
    base.update_row(project, {"data_outdated": True})


def mark_sync_failed(project: Project) -> None:
    """Record a failed sync; another may be queued at once, and goes on where it ended."""
    project.refresh_from_db(fields=["reading"])
    record_reading(project, {**project.reading, "failed": True})


def mark_threshold(project: Project, reached_at: datetime | None) -> None:
    """Store when the training threshold was reached; None: it is not reached."""
    Project.objects.filter(pk=project.pk).update(threshold_reached_at=reached_at)
    project.threshold_reached_at = reached_at


def forget_future(after: datetime) -> None:
    """Sets the times of projects that lie ahead to now, so that nothing waits for them."""
    now = timezone.now()
    for name in ("events_queued_at", "sync_queued_at", "scores_queued_at", "threshold_reached_at"):
        Project.objects.filter(**{f"{name}__gt": after}).update(**{name: now})
