"""The split of a task, assigned with its first label and never changed."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence

from registry.models import Project, Task
from registry.models.task import Split

FIRST_SHARE = 0.20
LATER_SHARE = 0.02
HOLDOUT_ENOUGH = 2_000
# A class with so many tasks and none in the holdout gives it its next new one.
CLASS_ENOUGH = 5


def input_key(project_uid: str, parts: Sequence[str]) -> str:
    """SHA-256 of the project and the canonical input, hex; equal inputs have equal keys."""
    text = json.dumps([project_uid, *parts])
    return hashlib.sha256(text.encode()).hexdigest()


def share(holdout: int) -> float:
    """The share of new tasks that go to a holdout of that size."""
    return FIRST_SHARE if holdout < HOLDOUT_ENOUGH else LATER_SHARE


class SplitAssigner:
    """Assigns the splits of a project's newly labelled tasks, one after the other.

    Keeps count while it decides, so that one instance serves a whole sync of many
    batches; it must be the project's only one meanwhile (the mirror's lock sees to that).
    """

    def __init__(self, project: Project) -> None:
        self._tasks = Task.objects.filter(project=project, split__isnull=False)
        self._live = self._tasks.filter(deleted_at__isnull=True)
        self._by_input: dict[str, str] = {}
        self._holdout: int | None = None
        self._counts: dict[str, int] = {}
        self._in_holdout: dict[str, bool] = {}

    def look_up(self, input_keys: Iterable[str]) -> None:
        """Learn in one query where equal inputs lie; call it before `decide`, for many at once.

        Deleted tasks count: a version may have learned from one that now comes again.
        """
        unknown = {key for key in input_keys if key not in self._by_input}
        rows = self._tasks.filter(input_key__in=unknown).order_by("-id")
        self._by_input.update(
            (key, split) for key, split in rows.values_list("input_key", "split") if split
        )

    def decide(self, input_key: str, classes: Collection[str]) -> str:
        """The split of a task that has its first usable labels, whose classes these are.

        That of an equal input; else the holdout for a class that waits for its first one
        there; else by the input's hash. A key's place in 0..1 is fixed, so that the later
        share's tasks are some of the first share's.
        """
        split = self._by_input.get(input_key)
        if split is None:
            needed = any(self._needs_holdout_task(c) for c in classes)
            drawn = int(input_key[:13], 16) / 16**13 < share(self._holdout_size())
            split = Split.HOLDOUT if needed or drawn else Split.TRAIN
            self._by_input[input_key] = split
        self._count(split, classes)
        return split

    def _needs_holdout_task(self, cls: str) -> bool:
        self._load(cls)
        return not self._in_holdout[cls] and self._counts[cls] >= CLASS_ENOUGH

    def _load(self, cls: str) -> None:
        """Count a class when it is first met: at most two small queries on their index."""
        if cls in self._counts:
            return
        labelled = self._live.filter(classes__contains=[cls])
        self._in_holdout[cls] = labelled.filter(split=Split.HOLDOUT).exists()
        self._counts[cls] = 0
        if not self._in_holdout[cls]:
            self._counts[cls] = len(labelled.values_list("id")[:CLASS_ENOUGH])

    def _holdout_size(self) -> int:
        if self._holdout is None:
            self._holdout = self._live.filter(split=Split.HOLDOUT).exclude(labels={}).count()
        return self._holdout

    def _count(self, split: str, classes: Iterable[str]) -> None:
        if split == Split.HOLDOUT:
            self._holdout = self._holdout_size() + 1
        for cls in classes:
            self._load(cls)
            self._counts[cls] += 1
            self._in_holdout[cls] |= split == Split.HOLDOUT
