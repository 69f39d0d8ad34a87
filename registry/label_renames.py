"""The renames of labels in a label config: the name today of a label of an earlier time.

Label Studio renames a label in the config only; annotations keep the old one, and so do versions.
Plain values without Django's models.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

# A label that goes and one that comes within this time may be the same one.
WITHIN = timedelta(days=7)

LabelSets = Mapping[str, Sequence[str]]  # the labels by control


@dataclass(frozen=True)
class Rename:
    """A label of a control that has a new name; times in ISO format.

    `until` is when the config had a label with the old name again: annotations from then on
    mean that one.
    """

    control: str
    old: str
    new: str
    at: str = ""
    until: str | None = None

    @property
    def text(self) -> str:
        """How people choose it: `control: old -> new`."""
        return f"{self.control}: {self.old} -> {self.new}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Renames:
    """The renames of a project, in the order in which they were confirmed."""

    def __init__(self, stored: Iterable[Mapping[str, Any]] = ()) -> None:
        self.all = [Rename(**one) for one in stored]

    def __bool__(self) -> bool:
        return bool(self.all)

    def today(self, control: str, label: str, at: datetime, allowed: Collection[str] = ()) -> str:
        """The name today of a label that was annotated, or learned, at a time.

        With `allowed`, the labels of today: a label that leads to none of them, and is one itself,
        stays.
        """
        name = label
        for rename in self.all:
            if (rename.control, rename.old) == (control, name) and _is_before(at, rename.until):
                name = rename.new
        return label if name not in allowed and label in allowed else name

    def names(self, control: str, at: datetime, allowed: Collection[str] = ()) -> dict[str, str]:
        """The name today of each label of that time that has another one."""
        olds = {rename.old for rename in self.all if rename.control == control}
        found = {old: self.today(control, old, at, allowed) for old in olds}
        return {old: new for old, new in found.items() if old != new}

    def controls(self) -> set[str]:
        """The controls that have a rename."""
        return {rename.control for rename in self.all}


NO_RENAMES = Renames()


def after_config(
    stored: Sequence[Mapping[str, Any]], before: LabelSets, after: LabelSets, now: datetime
) -> list[dict[str, Any]]:
    """The stored renames after a change of the config, which may bring an old name again."""
    renames = []
    for rename in Renames(stored).all:
        is_back = rename.old in after.get(rename.control, ()) and rename.old not in before.get(
            rename.control, ()
        )
        if is_back and rename.until is None:
            rename = replace(rename, until=now.isoformat())
        renames.append(rename.to_dict())
    return renames


def label_changes(
    stored: Mapping[str, Any], before: LabelSets, after: LabelSets, now: datetime
) -> dict[str, dict[str, dict[str, str]]]:
    """By control the labels that the config took away and brought, with the time of each.

    `stored` is what was known before. A label that comes back was not taken away.
    """
    found = {}
    for control in before.keys() & after.keys():
        known = stored.get(control, {})
        gone = dict.fromkeys(set(before[control]) - set(after[control]), now.isoformat())
        come = dict.fromkeys(set(after[control]) - set(before[control]), now.isoformat())
        removed = {**known.get("removed", {}), **gone}
        added = {**known.get("added", {}), **come}
        changes = {
            "removed": {label: at for label, at in removed.items() if label not in after[control]},
            "added": {label: at for label, at in added.items() if label in after[control]},
        }
        if any(changes.values()):
            found[control] = changes
    return found


def offered(changes: Mapping[str, Any], stored: Sequence[Mapping[str, Any]]) -> list[Rename]:
    """Each pair of a label that has gone and one that came within a week of it.

    Without the labels whose new name is known; the new name of another is offered to those only
    that went when it came.
    """
    confirmed = Renames(stored).all
    known = {(r.control, r.old) for r in confirmed if r.until is None}
    taken = {(r.control, r.new) for r in confirmed}
    return [
        Rename(control, old, new)
        for control, change in sorted(changes.items())
        for old, gone_at in sorted(change["removed"].items())
        for new, came_at in sorted(change["added"].items())
        if (control, old) not in known
        and abs(_time(gone_at) - _time(came_at)) <= WITHIN
        and ((control, new) not in taken or gone_at == came_at)
    ]


def _is_before(at: datetime, until: str | None) -> bool:
    return until is None or at < _time(until)


def _time(iso: str) -> datetime:
    time = datetime.fromisoformat(iso)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
