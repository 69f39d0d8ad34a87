"""Names clusters: by their annotators' labels, else as before, else by a number or a free label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NUMBERED = "cluster "


@dataclass(frozen=True)
class Members:
    """The votes of a cluster's tasks: by their previous names, and by their human labels."""

    size: int
    previous: Counter[str]
    humans: Counter[str]


def name_all(
    members: Sequence[Members], labels: Sequence[str], previous_names: Sequence[str] = ()
) -> list[str]:
    """A name for each cluster; `labels` are those that the control allows, none for any words.

    - The most common human label of its members is its name, so annotators rename it.
    - Else it keeps the previous name of most of its members, unless more of the tasks of that
      name are in another cluster.
    - Else it gets a label that no other cluster has, or the next unused number.
    """
    names: dict[int, str] = {}
    for i, cluster in enumerate(members):
        voted = most(cluster.humans)
        if voted is not None:
            names[i] = voted
    for i, name in _inherit(members).items():
        is_allowed = not labels or name in labels
        if i not in names and is_allowed and name not in names.values():
            names[i] = name
    fresh = _fresh({*names.values(), *previous_names}, set(names.values()), labels)
    by_size = sorted(range(len(members)), key=lambda i: (-members[i].size, i))
    for i in by_size:
        if i not in names:
            names[i] = next(fresh)
    return [names[i] for i in range(len(members))]


def most(votes: Mapping[str, int]) -> str | None:
    """The name with the most votes; None without one, and where two have as many."""
    ranked = Counter(votes).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _inherit(members: Sequence[Members]) -> dict[int, str]:
    """By cluster the previous name of most of its members; of two with the same the larger one."""
    claims: dict[str, tuple[int, int]] = {}
    for i, cluster in enumerate(members):
        for name, n in cluster.previous.most_common(1):
            if 2 * n > cluster.size and n > claims.get(name, (0, 0))[0]:
                claims[name] = n, i
    return {i: name for name, (_, i) in claims.items()}


def _fresh(used_ever: set[str], used_now: set[str], labels: Sequence[str]):
    """Free labels in their order, then any label again; without labels unused numbers."""
    if labels:
        yield from (label for label in labels if label not in used_now)
        while True:
            yield labels[0]
    numbers = [
        int(name.removeprefix(_NUMBERED))
        for name in used_ever
        if name.startswith(_NUMBERED) and name.removeprefix(_NUMBERED).isdecimal()
    ]
    number = max(numbers, default=0)
    while True:
        number += 1
        yield f"{_NUMBERED}{number}"
