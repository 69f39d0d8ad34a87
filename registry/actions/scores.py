"""Actions on the scores of unlabelled tasks: queue the scoring, store scores, delete old ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry import queue
from registry.models import ModelVersion, Project, TaskScore

# A scoring that was queued this long ago without a sign of life was lost with its worker.
LOST_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Certainty:
    """How sure a version is of a task, and the task's place among those to label next."""

    score: float
    margin: float
    place: float


def idle() -> Q:
    """The condition on projects that no scoring is queued, or that it was lost."""
    lost = Q(scores_queued_at__lt=timezone.now() - LOST_AFTER)
    return Q(scores_queued_at__isnull=True) | lost


@transaction.atomic
def request(project: Project) -> bool:
    """Queue the scoring of the champion unless it is under way already; True if it was queued."""
    rows = Project.objects.filter(idle(), pk=project.pk, champion__isnull=False)
    if not rows.update(scores_queued_at=timezone.now()):
        return False
    champion = Project.objects.values_list("champion", flat=True).get(pk=project.pk)
    if champion is not None:
        queue.score(champion)
    return True


@transaction.atomic
def requeue(version: ModelVersion) -> bool:
    """Queue the rest of the version's scoring; False if it is not champion any more."""
    rows = Project.objects.filter(pk=version.project_id, champion=version)
    if not rows.update(scores_queued_at=timezone.now()):
        return False
    queue.score(version.pk)
    return True


def finish(version: ModelVersion) -> None:
    """Record that all unlabelled tasks are scored; the tick queues the next scoring."""
    rows = Project.objects.filter(pk=version.project_id, champion=version)
    rows.update(scores_queued_at=None)


@transaction.atomic
def save(version: ModelVersion, found: Mapping[int, Certainty | None]) -> None:
    """Write the version's scores of tasks, by task id; None for one it cannot predict."""
    TaskScore.objects.bulk_create(
        [
            TaskScore(version=version, task_id=task, **(vars(certainty) if certainty else {}))
            for task, certainty in found.items()
        ],
        update_conflicts=True,
        unique_fields=["version", "task"],
        update_fields=["score", "margin", "place"],
    )


def drop_superseded(version: ModelVersion) -> int:
    """Drop the scores of the project's other versions; returns how many."""
    others = TaskScore.objects.filter(version__project=version.project_id)
    return others.exclude(version=version).delete()[0]


def drop_labelled(version: ModelVersion) -> int:
    """Drop the version's scores of tasks that were labelled since; returns how many."""
    over = ~Q(task__annotation_ids=[]) | Q(task__deleted_at__isnull=False)
    return TaskScore.objects.filter(over, version=version).delete()[0]
