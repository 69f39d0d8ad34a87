"""Actions on the features of images: store them, and delete those that no task uses."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from more_itertools import chunked

from registry.models import Feature, Project, Task

_BATCH = 500


@dataclass(frozen=True)
class FeatureRow:
    """A vector of float32, little-endian, of the image that a task names by `address`."""

    task_id: int
    address: str
    content: str
    vector: bytes


def address_key(address: str) -> str:
    """The SHA-256 under which an address is stored, hex: addresses may be long, and hold tokens."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()


def strings_of(data: Any) -> Iterator[str]:
    """Every text in a task's data, without the white space around it: any may be an address."""
    if isinstance(data, str):
        yield data.strip()
    elif isinstance(data, dict):
        for value in data.values():
            yield from strings_of(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings_of(value)


def save(
    project: Project,
    extractor: str,
    found: Iterable[FeatureRow],
    named_in: Callable[[Any], Iterable[str]] = strings_of,
) -> int:
    """Store features of live tasks; what is stored already stays. Returns how many were given.

    In batches, each a transaction. A task that was dropped meanwhile is left out, and one whose
    data name another image by now: `named_in` gives the addresses that a task's data name.
    """
    rows = list(found)
    for batch in chunked(rows, _BATCH):
        with transaction.atomic():
            live = (
                Task.objects.filter(
                    project=project, pk__in=[row.task_id for row in batch], deleted_at__isnull=True
                )
                .select_for_update(no_key=True)
                .order_by("pk")
            )
            named = {pk: set(named_in(data)) for pk, data in live.values_list("pk", "data")}
            Feature.objects.bulk_create(
                [
                    Feature(
                        project=project,
                        task_id=row.task_id,
                        extractor=extractor,
                        address=address_key(row.address),
                        content=row.content,
                        vector=row.vector,
                    )
                    for row in batch
                    if row.address in named.get(row.task_id, ())
                ],
                ignore_conflicts=True,
            )
    return len(rows)


def delete_for_tasks(tasks: Iterable[int] | QuerySet) -> int:
    """Delete the features of tasks (by id) that are gone or name another image; return how many."""
    return Feature.objects.filter(task__in=tasks).delete()[0]
