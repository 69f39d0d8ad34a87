"""Actions on tombstones: keep which ids Label Studio has deleted."""

from collections.abc import Iterable
from datetime import datetime

from registry.models import Project, Tombstone

_BATCH = 1_000


def record(project: Project, kind: str, labelstudio_ids: Iterable[int], at: datetime) -> None:
    """Keep that these ids were deleted by then; of an id that is known, the time is the new one."""
    Tombstone.objects.bulk_create(
        [
            Tombstone(project=project, kind=kind, labelstudio_id=number, deleted_at=at)
            for number in sorted(set(labelstudio_ids))
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["project", "kind", "labelstudio_id"],
        update_fields=["deleted_at"],
    )
