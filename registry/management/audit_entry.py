"""An audit entry in values that JSON has."""

from typing import Any

from registry.models import Act


def as_json(act: Act) -> dict[str, Any]:
    """What was done, from which version to which, by whom and why; the versions by their labels."""
    return {
        "act": act.pk,
        "verb": act.verb,
        "project": act.project.uid if act.project else None,
        "from": act.from_version.label if act.from_version else None,
        "to": act.to_version.label if act.to_version else None,
        "actor": act.actor,
        "reason": act.reason,
        "at": act.at.isoformat(),
    }
