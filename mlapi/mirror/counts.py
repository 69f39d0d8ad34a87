"""Counts a project's tasks and annotations: Label Studio's own, and the mirror's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Sum

from registry.actions import tasks
from registry.models import Event, Project

# Tasks; annotations, including the skipped ones.
Counts = tuple[int, int]

_COUNTERS = ("task_number", "total_annotations_number", "skipped_annotations_number")


def of_mirror(project: Project) -> Counts:
    """The counts of the mirror."""
    mirrored = tasks.existing(project)
    return mirrored.count(), mirrored.aggregate(n=Sum(F("annotation_ids__len")))["n"] or 0


def from_api(project: Mapping[str, Any]) -> Counts:
    """The counts of a project of Label Studio's API, whose total excludes skipped annotations."""
    number, annotations, skipped = (project[name] or 0 for name in _COUNTERS)
    return number, annotations + skipped


def from_last_webhook(project: Project, since: datetime) -> tuple[Counts, datetime] | None:
    """The counts in the latest webhook after `since`, and when that was received."""
    events = Event.objects.filter(
        project=project, source=Event.Source.WEBHOOK, received_at__gt=since
    ).order_by("-id")
    # The counters alone: a payload may have thousands of tasks.
    paths = [f"payload__project__{name}" for name in _COUNTERS]
    row = events.values_list(*paths, "received_at").first()
    if row is None or not all(isinstance(count, int) for count in row[:-1]):
        return None
    return from_api(dict(zip(_COUNTERS, row, strict=False))), row[-1]
