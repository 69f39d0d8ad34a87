"""Finds the tasks whose images are most like a task's, among all that have features."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from mlapi.images.feature_store import from_bytes
from registry.engine import Neighbour
from registry.errors import EvalsError
from registry.models import Feature, Task

if TYPE_CHECKING:
    import faiss

_ROWS = 2_000  # vectors in memory beside the index


class NoFeatures(EvalsError):
    """The task's image has no stored features."""

    code = "no_features"


def similar(task: Task, k: int) -> list[Neighbour]:
    """At most k other tasks, the most similar first, by the cosine of their features in -1..1.

    By the extractor of the champion where the task has features of it, else by the newest extractor
    that it has features of. Raises NoFeatures.
    """
    own = _own(task)
    if own is None:
        raise NoFeatures(f"Task {task.labelstudio_id} has no features.")
    index = _indexes.get(task.project_id, own.extractor)
    found = index.nearest(task.pk, from_bytes(own.vector), k)
    _indexes.trim()
    return found


def _own(task: Task) -> Feature | None:
    features = Feature.objects.filter(task=task).order_by("-id")
    features = features.exclude(extractor__startswith="encoder:")  # of its text
    champion = task.project.champion
    names = champion.extractor.split(", ") if champion else []
    preferred = features.filter(extractor__in=names).first()
    return preferred or features.first()


@dataclass
class _Index:
    """An exact index of one project's vectors, made again where rows of it have gone."""

    project: int
    extractor: str
    vectors: "faiss.IndexFlatIP | None" = None
    rows: list[tuple[int, int]] = field(default_factory=list)  # id and task of each vector
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        return 4 * self.vectors.d * len(self.rows) if self.vectors is not None else 0

    def nearest(self, task: int, vector: np.ndarray, k: int) -> list[Neighbour]:
        with self.lock:
            self._refresh()
            if self.vectors is None:
                return []
            n = k + 2  # the task itself is among them, once or with another address
            while True:
                best = self._best(vector, n)
                best.pop(task, None)
                if len(best) >= k or n >= len(self.rows):
                    return [Neighbour(other, cosine) for other, cosine in list(best.items())[:k]]
                n *= 2

    def _best(self, vector: np.ndarray, n: int) -> dict[int, float]:
        """The cosines of the nearest tasks; a task with several images has its nearest one's."""
        if self.vectors is None:
            return {}
        found, positions = self.vectors.search(vector[None, :], min(n, len(self.rows)))
        best: dict[int, float] = {}
        for position, cosine in zip(positions[0].tolist(), found[0].tolist(), strict=True):
            best.setdefault(self.rows[position][1], min(1.0, max(-1.0, cosine)))
        return best

    def _refresh(self) -> None:
        """Add the newer rows; if that is not all rows, read all again.

        A transaction that commits late may bring rows of smaller ids, and rows are dropped with
        their tasks: either way the numbers differ.
        """
        stored = Feature.objects.filter(project=self.project, extractor=self.extractor)
        self._add(stored.filter(pk__gt=self.rows[-1][0] if self.rows else 0))
        if stored.count() != len(self.rows):
            self.vectors, self.rows = None, []
            self._add(stored)

    def _add(self, stored: QuerySet[Feature]) -> None:
        import faiss

        rows = stored.order_by("pk").values_list("pk", "task", "vector").iterator(_ROWS)
        some: list[tuple[int, int, bytes | memoryview]] = []
        for row in rows:
            some.append(row)
            if len(some) == _ROWS:
                self._take(some, faiss.IndexFlatIP)
                some = []
        if some:
            self._take(some, faiss.IndexFlatIP)

    def _take(self, rows: list[tuple[int, int, bytes | memoryview]], make: type) -> None:
        matrix = np.stack([from_bytes(vector) for _, _, vector in rows])
        if self.vectors is None:
            self.vectors = make(matrix.shape[1])
        self.vectors.add(matrix)
        self.rows += [(pk, task) for pk, task, _ in rows]


class _Indexes:
    """The process's cache of indexes within MODEL_CACHE_MB; the least recently used go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._indexes: dict[tuple[int, str], _Index] = {}

    def get(self, project: int, extractor: str) -> _Index:
        with self._lock:
            index = self._indexes.pop((project, extractor), None) or _Index(project, extractor)
            self._indexes[project, extractor] = index
            return index

    def trim(self) -> None:
        limit = settings.MODEL_CACHE_MB * 2**20
        with self._lock:
            while len(self._indexes) > 1 and sum(i.nbytes for i in self._indexes.values()) > limit:
                del self._indexes[next(iter(self._indexes))]

    def forget(self) -> None:
        with self._lock:
            self._indexes.clear()


_indexes = _Indexes()
forget = _indexes.forget
