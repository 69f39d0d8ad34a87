"""Which mirrored tasks are annotated with a label, whether today's config has it or not."""

import json

from django.db.models import TextField
from django.db.models.functions import Cast

from mlapi.label_types.regions import words_of
from mlapi.labelstudio import consensus
from registry.actions import tasks
from registry.models import Project


def tasks_annotated(project: Project, control: str, label: str) -> int:
    """The number of tasks with an annotation that has this label for the control.

    Reads the annotations of the tasks in which the label's words stand, whatever they are of.
    """
    rows = tasks.existing(project).annotate(text=Cast("annotations", TextField()))
    for word in words_of(label):
        rows = rows.filter(text__contains=json.dumps(word, ensure_ascii=False)[1:-1])
    return sum(
        any(label in consensus.labels_in(annotation, control) for annotation in annotations)
        for annotations in rows.values_list("annotations", flat=True).iterator()
    )
