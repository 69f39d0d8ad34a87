"""What clusters are called: as annotators say, else as before, else by a number or a free label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NUMBERED = "cluster "


@dataclass(frozen=True)
class Members:
    """A cluster's tasks as votes: how many had which name before, and what humans call them."""

    size: int
    before: Counter[str]
    humans: Counter[str]


def name_all(
    members: Sequence[Members], labels: Sequence[str], names_before: Sequence[str] = ()
) -> list[str]:
    """A name for each cluster; `labels` are those that the control allows, none for any words.

    - What annotators call its members most often is its name: their answer renames it.
    - Else it keeps the name that most of its members had, unless a larger part of that
      cluster of before lies in another one.
    - Else it gets a label that no other has, or the next number that no version has used.
    """
    names: dict[int, str] = {}
    for i, cluster in enumerate(members):
        called = most(cluster.humans)
        if called is not None:
            names[i] = called
    heirs = _heirs(members)
    for i, name in heirs.items():
        is_allowed = not labels or name in labels
        if i not in names and is_allowed and name not in names.values():
            names[i] = name
    fresh = _fresh({*names.values(), *names_before}, set(names.values()), labels)
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


def _heirs(members: Sequence[Members]) -> dict[int, str]:
    """By cluster the name that most of its members had; of two heirs of a name the larger one."""
    claims: dict[str, tuple[int, int]] = {}
    for i, cluster in enumerate(members):
        for name, n in cluster.before.most_common(1):
            if 2 * n > cluster.size and n > claims.get(name, (0, 0))[0]:
                claims[name] = n, i
    return {i: name for name, (_, i) in claims.items()}


def _fresh(used_ever: set[str], used_now: set[str], labels: Sequence[str]):
    """Free labels in their order (then any label again); or numbers, none of them used before."""
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
