"""The classes of a task's labels as the database stores them: `control=label`. Pure.

Entries are indexed, so their length is limited by what an index entry can hold.
"""

import hashlib
from collections.abc import Iterable, Mapping

_MOST = 300
_KEPT = 200


def entry(control: str, label: str) -> str:
    """The entry of a control's label; a long one is cut and ends in its SHA-256.

    The migration `task_classes` writes the same in SQL.
    """
    text = f"{control}={label}"
    if len(text) <= _MOST:
        return text
    return f"{text[:_KEPT]}…{hashlib.sha256(text.encode()).hexdigest()}"


def entries(classes: Mapping[str, Iterable[str]]) -> list[str]:
    """The entries of a task's classes by control, sorted."""
    return sorted({entry(control, label) for control, all_ in classes.items() for label in all_})


def by_control(found: Iterable[str], controls: Iterable[str]) -> dict[str, list[str]]:
    """The labels of each of these controls in a task's entries."""
    listed = list(found)
    return {
        control: [
            one.removeprefix(f"{control}=") for one in listed if one.startswith(f"{control}=")
        ]
        for control in controls
    }
