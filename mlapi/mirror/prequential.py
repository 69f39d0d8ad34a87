"""Prequential evaluation: the champion predicts a task before its first human label is applied.

Interleaved test-then-train ("prequential", Dawid 1984): one outcome per task and target, at its
first human label, of the version that was champion when the human submitted it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from mlapi import label_types, model_cache
from mlapi.domain import Prediction, TargetSpec
from mlapi.images.online import OnlineFeatures
from mlapi.labelstudio import consensus, visibility
from mlapi.labelstudio.events import PutAnnotation
from mlapi.labelstudio.response_schemas import parse_datetime
from mlapi.pipelines.base import Predictor
from mlapi.served_names import served_names
from registry.actions import tasks
from registry.label_renames import Renames
from registry.models import AuditEntry, ModelVersion, Outcome, Project, Task
from registry.models.audit_entry import CHAMPION_MOVES

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FirstLabels:
    """The labels in an annotation for the targets of a task that had no label.

    `labels` are values of the label types by control. `pre_annotated`:
    the annotation was made from a prediction. `labelled_since`: when the task may have entered
    datasets, for its other targets; None if it is in none.
    """

    task_id: int
    data: dict[str, Any]
    targets: tuple[TargetSpec, ...]
    labels: dict[str, Any]
    created_at: datetime
    pre_annotated: bool
    labelled_since: datetime | None


class NotLoaded(Exception):
    """The version that has to predict is not loaded: load it while the mirror is not locked."""

    def __init__(self, version: ModelVersion) -> None:
        super().__init__(version.label)
        self.version = version


class Champions:
    """The versions that predict for a run of events: one in memory, loaded outside of the lock."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._predictor: Predictor | None = None

    def load(self, version: ModelVersion) -> None:
        """Load the version's predictor; None is stored for one that does not load."""
        self._version, self._predictor = version.pk, None
        try:
            self._predictor = model_cache.predictor_for(version)
        except Exception:
            log.exception("champion_failed", project=version.project_id, version=version.label)

    def predictor(self, version: ModelVersion) -> Predictor | None:
        """The version's predictor; None if it does not load. Raises NotLoaded."""
        if version.pk != self._version:
            loaded = model_cache.cached(version)
            if loaded is None:
                raise NotLoaded(version)
            self._version, self._predictor = version.pk, loaded
        return self._predictor


def first_labels(
    project: Project, change: PutAnnotation, task: Task | None, targets: tuple[TargetSpec, ...]
) -> FirstLabels | None:
    """The first labels in an annotation that a human has just submitted, else None.

    `task` is the row of the annotation's task before the annotation is applied, `targets` are
    those of the project's label config.
    """
    annotation = change.annotation
    if not change.live or not consensus.is_submitted(annotation):
        return None
    created, updated = (
        parse_datetime(annotation.get("created_at")),
        parse_datetime(annotation.get("updated_at")),
    )
    if task and created and annotation["id"] in task.annotation_ids:
        created = updated or created  # a mirrored annotation, with further labels
    data = (change.task or {}).get("data") or (task.data if task else None)
    if created is None or not isinstance(data, dict):
        return None
    renames = Renames(project.label_renames)
    found = consensus.annotation_labels(annotation, targets, project.control_since, renames)
    labelled = task.labelled_controls if task else ()
    labels = {name: value for name, value in found.items() if name not in labelled}
    if not labels:
        return None
    return FirstLabels(
        task_id=change.task_id,
        data=data,
        targets=targets,
        labels=labels,
        created_at=created,
        pre_annotated=annotation.get("parent_prediction") is not None,
        labelled_since=_labelled_since(task),
    )


def predict(project: Project, first: FirstLabels, champions: Champions) -> list[Outcome]:
    """The outcomes of the version that was champion at the label; `task` is still unset.

    Call it before the label is applied, and outside of its transaction. Empty if no version
    served then, or if the task may have been in its dataset. Raises NotLoaded. A model that fails
    is logged only, so that the label is stored.
    """
    version = champion_at(project, first.created_at)
    if version is None or _may_have_learned(version, first):
        return []
    predictor = champions.predictor(version)
    if predictor is None:
        return []
    try:
        # By stored features only: the mirror's lock is not held while an image is downloaded.
        store = OnlineFeatures(project, seconds=0)
        answers = predictor.predict([first.data], first.targets, store)[0]
        answers = served_names(project, version, first.targets).of_answers(answers)
        visible = visibility.visible_answers(answers, first.targets)
    except Exception:
        log.exception("champion_failed", project=project.pk, version=version.label)
        return []
    return [
        _outcome(version, first, answer, human)
        for name, human in first.labels.items()
        if isinstance(answer := visible.get(name), Prediction)
    ]


def record(task: Task | None, outcomes: Sequence[Outcome]) -> None:
    """Store the outcomes of a mirrored task; in the transaction of its label."""
    if task is None or not outcomes:
        return
    for outcome in outcomes:
        outcome.task = task
    tasks.record_outcomes(outcomes)


def champion_at(project: Project, when: datetime) -> ModelVersion | None:
    """The version that served at that time, by the audit entries that moved the pointer."""
    moves = AuditEntry.objects.filter(project=project, verb__in=CHAMPION_MOVES, at__lte=when)
    last = moves.select_related("to_version__run").order_by("-id").first()
    return last.to_version if last else None


def _labelled_since(task: Task | None) -> datetime | None:
    if task is None or task.split is None:
        return None
    made = [when for a in task.annotations if (when := parse_datetime(a["created_at"]))]
    return min(made, default=task.created_at)


def _may_have_learned(version: ModelVersion, first: FirstLabels) -> bool:
    snapshot_at = version.run.snapshot_at if version.run else None
    if first.labelled_since is None or snapshot_at is None:
        return False
    return first.labelled_since <= snapshot_at


def _outcome(version: ModelVersion, first: FirstLabels, answer: Prediction, human: Any) -> Outcome:
    label_type = label_types.of(answer)
    predicted = label_types.value_of(answer)
    return Outcome(
        version=version,
        target=answer.target,
        source=Outcome.Source.SHOWN if first.pre_annotated else Outcome.Source.PREQUENTIAL,
        predicted=label_type.to_json(predicted),
        score=answer.score,
        human=label_type.to_json(human),
        correct=label_type.is_correct(predicted, human),
        human_classes=sorted(label_type.classes(human)),
        predicted_classes=sorted(label_type.classes(predicted)),
        at=first.created_at,
    )
