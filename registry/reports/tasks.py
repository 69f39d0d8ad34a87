"""Tasks for display, and lists of them: to label next, mistakes by score, and similar ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse

from registry.classes import by_control
from registry.engine import engine
from registry.models import ModelVersion, Outcome, Project, Target, Task, TaskScore
from registry.reports.near_duplicates import spread

_ADDRESS_UNKNOWN = (
    "Tasks have no link because Label Studio's address is unknown. "
    "Enter it with Set credentials on the project's page."
)
_DELETED = "A task without a link was deleted in Label Studio."


@dataclass(frozen=True)
class TaskView:
    """A task for display; `url` is None if it was deleted or Label Studio's address is unknown.

    The `text` of an image (`kind` is "image") is its address, and `thumbnail` the path of its
    thumbnail; None for a text.
    """

    id: int
    labelstudio_id: int
    kind: str
    text: str
    url: str | None
    deleted: bool
    thumbnail: str | None = None


def task_views_by_id(project: Project, ids: Iterable[int]) -> dict[int, TaskView]:
    """The views of these tasks by id; one query."""
    found = list(Task.objects.filter(pk__in=list(ids)).defer("annotations"))
    return {task.id: task for task in task_views(project, found)}


def task_views(project: Project, tasks: Sequence[Task]) -> list[TaskView]:
    """The views of these tasks of the project, in their order; no query."""
    described = engine().describe_tasks(project, tasks)
    return [_view(task, description) for task, description in zip(tasks, described, strict=True)]


def _view(task: Task, description: dict[str, Any]) -> TaskView:
    is_image = description["kind"] == "image"
    return TaskView(
        id=task.pk,
        labelstudio_id=task.labelstudio_id,
        kind=description["kind"],
        text=_address(description["text"]) if is_image else description["text"],
        url=description["url"],
        deleted=task.deleted_at is not None,
        thumbnail=reverse("api:tasks-thumbnail", args=[task.pk]) if is_image else None,
    )


def why_no_link(tasks: Iterable[TaskView]) -> str:
    """Why some of the tasks have no link, in one sentence; "" where each has one."""
    without = [task for task in tasks if task.url is None]
    if any(not task.deleted for task in without):
        return _ADDRESS_UNKNOWN
    return _DELETED if without else ""


def _address(text: str) -> str:
    """The address without the data of a data URI, which may be megabytes."""
    return text.partition(",")[0] if text[:5].lower() == "data:" else text


_BLOCK = 50  # tasks to label next among which those that are nearly equal are spread


@dataclass(frozen=True)
class NextTask:
    """An unlabelled task with the champion's score and margin, 0 to 1."""

    score: float
    margin: float
    at_random: bool
    task: TaskView


def label_next(project: Project, limit: int = 20, offset: int = 0) -> list[NextTask]:
    """Unlabelled tasks, the smallest margin first; one query.

    A share of them is drawn at random. Tasks that are nearly equal to one before them stand at the
    end of their block, so that the first ones differ. Empty without a champion, and until it has
    scored them.
    """
    if project.champion_id is None:
        return []
    scores = TaskScore.objects.filter(
        version=project.champion_id,
        place__isnull=False,
        task__annotation_ids=[],
        task__deleted_at__isnull=True,
    )
    ordered = scores.order_by("place", "task").select_related("task")
    first = offset // _BLOCK * _BLOCK
    last = -(-(offset + limit) // _BLOCK) * _BLOCK
    found = list(ordered[first:last])
    tasks = task_views(project, [score.task for score in found])
    rows = [
        NextTask(s.score or 0.0, s.margin or 0.0, s.place != s.margin, task)
        for s, task in zip(found, tasks, strict=True)
    ]
    blocks = (rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK))
    spread_out = [row for block in blocks for row in spread(block, lambda row: row.task.text)]
    return spread_out[offset - first : offset - first + limit]


def why_none(project: Project) -> str:
    """Why the list is empty, in one sentence; no query."""
    if project.champion is None:
        return "None until a version serves: its scores order the tasks."
    label = project.champion.label
    if project.scores_queued_at:
        return f"None yet: {label} is scoring the tasks without a label."
    new = "new ones are scored within half a minute"  # by the events workers' periodic job
    return f"None: {label} has scored no task without a label; {new}."


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction beside the human label, with the classes of both; None: no answer."""

    outcome: int
    target: str
    human: Any
    predicted: Any
    human_classes: list[str]
    predicted_classes: list[str] | None
    score: float | None
    task: TaskView


def mistakes(
    version: ModelVersion,
    target: str | None = None,
    limit: int = 20,
    source: str = Outcome.Source.HOLDOUT,
) -> list[Mistake]:
    """The wrong predictions, highest score first; one query (and one for the version's project)."""
    wrong = Outcome.objects.filter(version=version, source=source, correct=False)
    if target is not None:
        wrong = wrong.filter(target=target)
    worst = wrong.order_by(F("score").desc(nulls_last=True), "id")[:limit]
    return _mistakes(version, worst)


def least_agreeing(version: ModelVersion, target: Target, limit: int = 20) -> list[Mistake]:
    """The wrong predictions of objects on the holdout, those that agree least first; two queries.

    Compared here, because the database knows no places.
    """
    label_type = engine().label_type(str(target.kind))
    wrong = Outcome.objects.filter(
        version=version, target=target.name, source=Outcome.Source.HOLDOUT, correct=False
    )
    agreements = {
        pk: label_type.agreement(drawn, label_type.from_json(human))
        if (drawn := label_type.from_json(predicted)) is not None
        else 0.0
        for pk, human, predicted in wrong.order_by("id").values_list("pk", "human", "predicted")
    }
    worst = sorted(agreements, key=lambda pk: agreements[pk])[:limit]
    found = {one.outcome: one for one in _mistakes(version, Outcome.objects.filter(pk__in=worst))}
    return [found[pk] for pk in worst if pk in found]


def _mistakes(version: ModelVersion, outcomes: QuerySet[Outcome]) -> list[Mistake]:
    found = list(outcomes.select_related("task").defer("task__annotations"))
    tasks = task_views(version.project, [outcome.task for outcome in found])
    return [
        Mistake(
            outcome=outcome.pk,
            target=outcome.target,
            human=outcome.human,
            predicted=outcome.predicted,
            human_classes=outcome.human_classes,
            predicted_classes=outcome.predicted_classes,
            score=outcome.score,
            task=task,
        )
        for outcome, task in zip(found, tasks, strict=True)
    ]


@dataclass(frozen=True)
class SimilarTask:
    """A similar task, the cosine of both tasks' features, and its labels with their classes."""

    cosine: float
    task: TaskView
    labels: dict[str, Any]
    classes: dict[str, list[str]]


def similar(task: Task, k: int) -> list[SimilarTask]:
    """The k most similar tasks of its project, in the engine's order; one query here.

    Raises what the engine raises, such as no_features. Omits tasks that were deleted meanwhile.
    """
    found = engine().similar(task, k)
    tasks = Task.objects.filter(project=task.project_id).defer("annotations")
    known = tasks.in_bulk([neighbour.task for neighbour in found])
    pairs = [(n.cosine, known[n.task]) for n in found if n.task in known]
    views = task_views(task.project, [other for _, other in pairs])
    return [
        SimilarTask(cosine, view, other.labels, by_control(other.classes, other.labels))
        for (cosine, other), view in zip(pairs, views, strict=True)
    ]
