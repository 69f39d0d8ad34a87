"""The stored feature vectors of a project's images, which serving and training share."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet

from mlapi.domain import InputError, TargetSpec
from mlapi.images.addresses import read_address
from mlapi.images.features import ExtractorRef
from registry.actions import features
from registry.actions.features import FeatureRow, address_key, strings_of
from registry.models import Feature, Project


@dataclass(frozen=True)
class StoredFeature:
    """The vector of the image that a task (by its id here) names by the address.

    `content` is the SHA-256 of the image's file.
    """

    task: int
    address: str
    content: str
    vector: np.ndarray


class FeatureStore:
    """The vectors of one project by one extractor. Each query is one, so give it some thousands.

    `targets` say how tasks name their images, where that is more than a text of their data.
    """

    def __init__(
        self, project: Project, extractor: ExtractorRef, targets: Sequence[TargetSpec] = ()
    ) -> None:
        self.project = project
        self.extractor = extractor
        self._targets = targets

    def by_address(self, addresses: Iterable[str]) -> Iterator[StoredFeature]:
        """One for each task that names an address; those of an address have the same vector."""
        by_key = {address_key(address): address for address in addresses}
        rows = self._stored().filter(address__in=list(by_key))
        for task, key, content, vector in rows.values_list("task", "address", "content", "vector"):
            yield StoredFeature(task, by_key[key], content, from_bytes(vector))

    def by_content(self, contents: Iterable[str]) -> dict[str, np.ndarray]:
        """The vectors of files (by SHA-256) that were stored under whatever address."""
        rows = self._stored().filter(content__in=list(contents))
        return {content: from_bytes(v) for content, v in rows.values_list("content", "vector")}

    def save(self, found: Iterable[StoredFeature]) -> None:
        """Store what is not stored, of tasks that exist and still name the address."""
        rows = [FeatureRow(f.task, f.address, f.content, to_bytes(f.vector)) for f in found]
        features.save(
            self.project, self.extractor.name, rows, lambda data: named_in(data, self._targets)
        )

    def _stored(self) -> QuerySet[Feature]:
        return Feature.objects.filter(project=self.project, extractor=self.extractor.name)


def tasks_with_features(project: int, extractor: ExtractorRef, most: int) -> QuerySet[Any, Any]:
    """Some tasks (by id) of the project that have features of the extractor, the oldest first."""
    stored = Feature.objects.filter(project=project, extractor=extractor.name)
    return stored.order_by("pk").values("task")[:most]


def named_in(task_data: Any, targets: Iterable[TargetSpec]) -> Iterator[str]:
    """The addresses that a task's data may name: each text in it, and the targets' images.

    The address of an image may be more than a text of the data, as in `value="$folder/$file"`.
    """
    yield from strings_of(task_data)
    for target in targets:
        with contextlib.suppress(InputError):
            yield read_address(task_data, target)


def to_bytes(vector: np.ndarray) -> bytes:
    """As it is stored: float32, little-endian."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def from_bytes(stored: bytes | memoryview) -> np.ndarray:
    """What `to_bytes` made; read only."""
    return np.frombuffer(stored, dtype="<f4")
