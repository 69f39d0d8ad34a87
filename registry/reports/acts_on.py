"""The acts on a version, those that took it out of service too."""

from django.db.models import F, Q, QuerySet

from registry.models import Act, ModelVersion
from registry.models.act import CHAMPION_MOVES


def is_on(version: int | str) -> Q:
    """Of acts, by the version's id; each part of it is found by an index.

    A move of the champion is an act on where it went, and on what it left.
    """
    moved = (Q(from_version=version) | Q(to_version=version)) & Q(verb__in=CHAMPION_MOVES)
    return Q(version=version) | moved


def acts_on(version: ModelVersion) -> QuerySet[Act]:
    """The newest first."""
    # Not by the index on ids: all acts would be gone through for the few of one version.
    return Act.objects.filter(is_on(version.pk)).order_by((F("id") + 0).desc())


def said_of(act: Act, version: ModelVersion) -> str:
    """What was done; of a move away from the version also to which."""
    verb = act.verb.replace("_", " ")
    if act.verb not in CHAMPION_MOVES or act.to_version_id == version.pk:
        return verb
    return f"{verb} to {act.to_version.label if act.to_version else 'none'}"
