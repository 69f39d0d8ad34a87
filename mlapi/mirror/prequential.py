"""The served model against the humans that come after it: asks it first, then keeps who was right.

Interleaved test-then-train ("prequential", Dawid 1984): one outcome for each task and target,
at its first human label, of the version that was champion when the human answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from mlapi import model_cache
from mlapi.domain import Answer, TargetSpec
from mlapi.images.online import OnlineFeatures
from mlapi.labelstudio import consensus
from mlapi.labelstudio.events import PutAnnotation
from mlapi.labelstudio.response_schemas import moment
from mlapi.pipelines.base import Predictor
from registry.actions import tasks
from registry.models import AuditEntry, ModelVersion, Outcome, Project, Task
from registry.models.audit_entry import CHAMPION_MOVES

log = structlog.get_logger(__name__)


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


class NotLoaded(Exception):
    """A version has to be asked that is not loaded: load it where the mirror is not locked."""

    def __init__(self, version: ModelVersion) -> None:
        super().__init__(version.label)
        self.version = version


class Champions:
    """The versions that a drain asks, one in memory at a time, each loaded outside of the lock."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._predictor: Predictor | None = None

    def load(self, version: ModelVersion) -> None:
        """Have the version's predictor at hand; of one that does not load, that it has none."""
        self._version, self._predictor = version.pk, None
        try:
            self._predictor = model_cache.predictor_for(version)
        except Exception:
            log.exception("champion_not_asked", project=version.project_id, version=version.label)

    def predictor(self, version: ModelVersion) -> Predictor | None:
        """The version's predictor; None if it does not load. Raises NotLoaded."""
        if version.pk != self._version:
            loaded = model_cache.cached(version)
            if loaded is None:
                raise NotLoaded(version)
            self._version, self._predictor = version.pk, loaded
        return self._predictor


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


def ask(project: Project, first: FirstAnswers, champions: Champions) -> list[Outcome]:
    """What the champion of that moment says of the task; outcomes that still lack their task.

    Before the human's label is applied, and outside of its transaction. Empty if none served
    then, or if the task may have been in its dataset. Raises NotLoaded, and nothing for a
    model that fails: the label is worth more than the measurement.
    """
    version = champion_at(project, first.made_at)
    if version is None or _may_have_learned(version, first):
        return []
    predictor = champions.predictor(version)
    if predictor is None:
        return []
    try:
        # By stored features only: the mirror's lock is not held while an image is downloaded.
        store = OnlineFeatures(project, seconds=0)
        answers = predictor.predict([first.data], first.targets, store)[0]
    except Exception:
        log.exception("champion_not_asked", project=project.pk, version=version.label)
        return []
    return [
        _outcome(version, first, name, answer, human)
        for name, human in first.answers.items()
        if isinstance(answer := answers.get(name), Answer)
    ]


def record(task: Task | None, outcomes: Sequence[Outcome]) -> None:
    """Keep the outcomes of a task that is mirrored by now; in the transaction of its label."""
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
    made = [when for a in task.annotations if (when := moment(a["created_at"]))]
    return min(made, default=task.created_at)


def _may_have_learned(version: ModelVersion, first: FirstAnswers) -> bool:
    snapshot_at = version.run.snapshot_at if version.run else None
    if first.labelled_since is None or snapshot_at is None:
        return False
    return first.labelled_since <= snapshot_at


def _outcome(
    version: ModelVersion, first: FirstAnswers, name: str, answer: Answer, human: str | list[str]
) -> Outcome:
    value = answer.value
    predicted = value if isinstance(value, str) else sorted(value)
    return Outcome(
        version=version,
        target=name,
        source=Outcome.Source.SHOWN if first.shown else Outcome.Source.PREQUENTIAL,
        predicted=predicted,
        score=answer.score,
        human=human,
        correct=predicted == human,
        at=first.made_at,
    )
