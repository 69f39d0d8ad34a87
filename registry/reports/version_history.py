"""A version's history: its audit entries, and the champion before it."""

from django.db.models import F, Q, QuerySet

from registry.models import AuditEntry, ModelVersion
from registry.models.audit_entry import CHAMPION_MOVES


def concerns_version(version: int | str) -> Q:
    """The condition that an audit entry is of the version, by its id; each part has an index.

    A move of the champion belongs to the version that it went to, and to the one that it left.
    """
    moved = (Q(from_version=version) | Q(to_version=version)) & Q(verb__in=CHAMPION_MOVES)
    return Q(version=version) | moved


def version_history(version: ModelVersion) -> QuerySet[AuditEntry]:
    """The audit entries of a version, the newest first."""
    # Not by the index on ids: all entries would be gone through for the few of one version.
    return AuditEntry.objects.filter(concerns_version(version.pk)).order_by((F("id") + 0).desc())


def entry_summary(entry: AuditEntry, version: ModelVersion) -> str:
    """The verb in words; for a move away from the version with the version moved to."""
    verb = entry.verb.replace("_", " ")
    if entry.verb not in CHAMPION_MOVES or entry.to_version_id == version.pk:
        return verb
    return f"{verb} to {entry.to_version.label if entry.to_version else 'none'}"


def champion_before(version: ModelVersion) -> ModelVersion | None:
    """The champion that the version was to replace when it was first considered; one query."""
    considered = AuditEntry.objects.filter(version=version, verb__in=["promote", "keep"])
    first = considered.exclude(from_version=version).select_related("from_version")
    entry = first.order_by("id").first()
    return entry.from_version if entry else None
