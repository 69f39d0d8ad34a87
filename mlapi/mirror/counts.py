"""Label Studio's own counts of a project's tasks and annotations, beside the mirror's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Sum

from registry.actions import tasks
from registry.models import Event, Project

# Tasks, and annotations with the skipped ones.
Counts = tuple[int, int]

_COUNTERS = ("task_number", "total_annotations_number", "skipped_annotations_number")


def mirrored(project: Project) -> Counts:
    """How many the mirror holds."""
    there = tasks.existing(project)
    return there.count(), there.aggregate(n=Sum(F("annotation_ids__len")))["n"] or 0


def of(found: Mapping[str, Any]) -> Counts:
    """How many a project has as Label Studio tells of it; its total leaves the skipped ones out."""
    number, annotations, skipped = (found[name] or 0 for name in _COUNTERS)
    return number, annotations + skipped


def last_told(project: Project, since: datetime) -> tuple[Counts, datetime] | None:
    """What the newest webhook since then counted when it was sent, and when it came."""
    told = Event.objects.filter(
        project=project, source=Event.Source.WEBHOOK, received_at__gt=since
    ).order_by("-id")
    # The counters alone: a payload may have thousands of tasks.
    paths = [f"payload__project__{name}" for name in _COUNTERS]
    row = told.values_list(*paths, "received_at").first()
    if row is None or not all(isinstance(count, int) for count in row[:-1]):
        return None
    return of(dict(zip(_COUNTERS, row, strict=False))), row[-1]
