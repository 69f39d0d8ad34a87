"""Actions on versions: archive, note, tag, record a failed load; no action deletes a version."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from registry import artifacts
from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import AuditEntry, ModelVersion, Project

from . import base


class ChampionNotArchivable(Refused):
    """The champion cannot be archived."""

    code = "champion_not_archivable"


@transaction.atomic
def archive(version: ModelVersion, *, actor: str, reason: str = "") -> AuditEntry:
    """Archive the version: it cannot be promoted, and no fall-back chooses it."""
    project = base.lock(version.project)
    if project.champion_id == version.pk:
        raise ChampionNotArchivable(f"{version.label} is the champion.")
    if not base.update_row(version, {"archived_at": timezone.now()}, archived_at__isnull=True):
        raise base.StateUnchanged(f"{version.label} is archived already.")
    return base.record("archive", actor=actor, project=project, version=version, reason=reason)


@transaction.atomic
def unarchive(version: ModelVersion, *, actor: str, reason: str = "") -> AuditEntry:
    """Take a version out of the archive."""
    project = base.lock(version.project)
    if not base.update_row(version, {"archived_at": None}, archived_at__isnull=False):
        raise base.StateUnchanged(f"{version.label} is not archived.")
    return base.record("unarchive", actor=actor, project=project, version=version, reason=reason)


def note(version: ModelVersion, text: str, *, actor: str) -> AuditEntry:
    """Replace the version's note; the audit entry has the previous one."""
    return _replace(version, "note", sanitize(text), verb="note", actor=actor)


def tag(version: ModelVersion, tags: Iterable[str], *, actor: str) -> AuditEntry:
    """Replace the version's tags; the audit entry has the previous ones."""
    found = sorted({sanitize(one) for one in tags})
    return _replace(version, "tags", found, verb="tag", actor=actor)


@transaction.atomic
def _replace(
    version: ModelVersion, field: str, value: str | list[str], *, verb: str, actor: str
) -> AuditEntry:
    """Replace a field that people write, and record both values as text."""
    project: Project = base.lock(version.project)
    before = ModelVersion.objects.values_list(field, flat=True).get(pk=version.pk)
    base.update_row(version, {field: value})
    return base.record(
        verb,
        actor=actor,
        project=project,
        version=version,
        reason=_as_text(value),
        numbers={"from": _as_text(before)},
    )


def _as_text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def mark_load_failed(version: ModelVersion, error: str) -> None:
    """Record that the version cannot be fetched, verified or loaded; it cannot serve."""
    base.update_row(version, {"load_failed_at": timezone.now(), "load_error": sanitize(error)})


def clear_load_failure(version: ModelVersion, *, actor: str, reason: str = "") -> AuditEntry:
    """Let the version serve again, once its artifact is back as it was put.

    Raises ArtifactMissing or ArtifactCorrupt if it is not.
    """
    artifacts.fetch(version)
    with transaction.atomic():
        rows = ModelVersion.objects.filter(pk=version.pk, load_failed_at__isnull=False)
        if not rows.update(load_failed_at=None, load_error=""):
            raise base.StateUnchanged(f"{version.label} has no failed load.")
        entry = base.record(
            "clear_load_failure",
            actor=actor,
            project=version.project,
            version=version,
            reason=reason,
            numbers={"from": version.load_error},
        )
    version.load_failed_at, version.load_error = None, ""
    return entry
