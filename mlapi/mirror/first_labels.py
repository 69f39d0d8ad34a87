"""A human's first answer to a task, for the champion to be asked about beforehand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio import consensus
from mlapi.labelstudio.events import PutAnnotation
from mlapi.labelstudio.times import moment
from registry.models import Project, Task


@dataclass(frozen=True)
class FirstAnswers:
    """What a human said of the targets of a task that no one had said anything of.

    `answers` are labels for `single` and sorted lists for `multiple`, by control. `shown`: the
    human began from a pre-annotation. `labelled_since`: since when the task may have been in
    datasets, for its other targets; None: it was in none.
    """

    task_id: int
    data: dict[str, Any]
    targets: tuple[TargetSpec, ...]
    answers: dict[str, str | list[str]]
    made_at: datetime
    shown: bool
    labelled_since: datetime | None


def first_answers(
    project: Project, change: PutAnnotation, task: Task | None, targets: tuple[TargetSpec, ...]
) -> FirstAnswers | None:
    """The first answers in an annotation that a human has just made, else None.

    `task` is the row of the annotation's task before the annotation is applied, `targets` are
    those of the project's label config.
    """
    annotation = change.annotation
    if not change.live or not consensus.is_submitted(annotation):
        return None
    created, updated = moment(annotation.get("created_at")), moment(annotation.get("updated_at"))
    if task and created and annotation["id"] in task.annotation_ids:
        created = updated or created  # it was known, and says more now
    data = (change.task or {}).get("data") or (task.data if task else None)
    if created is None or not isinstance(data, dict):
        return None
    answers: dict[str, str | list[str]] = {}
    for target in targets:
        said = consensus.answer(annotation, target, project.control_since)
        if said is not None and not (task and target.name in task.labelled_controls):
            answers[target.name] = said[0] if target.kind == "single" else list(said)
    if not answers:
        return None
    return FirstAnswers(
        task_id=change.task_id,
        data=data,
        targets=targets,
        answers=answers,
        made_at=created,
        shown=annotation.get("parent_prediction") is not None,
        labelled_since=_labelled_since(task),
    )


def _labelled_since(task: Task | None) -> datetime | None:
    if task is None or task.split is None:
        return None
    made = [when for a in task.annotations if (when := moment(a["created_at"]))]
    return min(made, default=task.created_at)
