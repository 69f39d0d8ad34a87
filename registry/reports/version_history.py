"""The audit entries of a version, also those that took it out of service."""

from django.db.models import F, Q, QuerySet

from registry.models import AuditEntry, ModelVersion
from registry.models.audit_entry import CHAMPION_MOVES


def is_on(version: int | str) -> Q:
    """The condition that an audit entry is of the version, by its id; each part has an index.

    A move of the champion belongs to the version that it went to, and to the one that it left.
    """
    moved = (Q(from_version=version) | Q(to_version=version)) & Q(verb__in=CHAMPION_MOVES)
    return Q(version=version) | moved


def version_history(version: ModelVersion) -> QuerySet[AuditEntry]:
    """The audit entries of a version, the newest first."""
    # Not by the index on ids: all entries would be gone through for the few of one version.
    return AuditEntry.objects.filter(is_on(version.pk)).order_by((F("id") + 0).desc())


def said_of(entry: AuditEntry, version: ModelVersion) -> str:
    """The verb in words; for a move away from the version with the version moved to."""
    verb = entry.verb.replace("_", " ")
    if entry.verb not in CHAMPION_MOVES or entry.to_version_id == version.pk:
        return verb
    return f"{verb} to {entry.to_version.label if entry.to_version else 'none'}"
