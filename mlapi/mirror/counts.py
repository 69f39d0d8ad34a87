"""Counts a project's tasks and annotations: Label Studio's own, and the mirror's."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Q, Sum, TextField
from django.db.models.functions import Cast

from mlapi.label_types.regions import words_of
from mlapi.labelstudio import consensus
from registry.actions import tasks
from registry.models import Event, Project

# Tasks; annotations, including the skipped ones.
Counts = tuple[int, int]

_COUNTERS = ("task_number", "total_annotations_number", "skipped_annotations_number")


def of_mirror(project: Project) -> Counts:
    """The counts of the mirror.

    Of a task that Label Studio cannot return its own count is taken: the annotations may be what
    it cannot return.
    """
    mirrored = tasks.existing(project)
    unreadable = Q(labelstudio_id__in=project.unreadable_tasks)
    sums = mirrored.aggregate(
        read=Sum(F("annotation_ids__len"), filter=~unreadable),
        unread=Sum("total_annotations", filter=unreadable),
    )
    return mirrored.count(), sum(n or 0 for n in sums.values())


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


def tasks_annotated(project: Project, control: str, label: str) -> int:
    """The number of mirrored tasks with an annotation that has this label for the control.

    Also of one that today's label config does not have. Reads the annotations of the tasks in which
    the label's words stand, whatever they are of.
    """
    rows = tasks.existing(project).annotate(text=Cast("annotations", TextField()))
    for word in words_of(label):
        rows = rows.filter(text__contains=json.dumps(word, ensure_ascii=False)[1:-1])
    return sum(
        any(label in consensus.labels_in(annotation, control) for annotation in annotations)
        for annotations in rows.values_list("annotations", flat=True).iterator()
    )
