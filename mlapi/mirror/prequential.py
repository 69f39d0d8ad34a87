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
from mlapi.domain import NoPrediction, Prediction, TargetSpec
from mlapi.inputs.online import OnlineInputs
from mlapi.labelstudio import consensus, visibility
from mlapi.labelstudio.events import PutAnnotation
from mlapi.labelstudio.response_schemas import parse_datetime
from mlapi.pipelines.version_predictor import VersionPredictor
from mlapi.served_config import targets_of
from mlapi.served_names import served_names
from registry.actions.tasks import TaskState
from registry.label_renames import Renames
from registry.models import AuditEntry, ModelVersion, Outcome, Project
from registry.models.audit_entry import CHAMPION_MOVES

log = structlog.get_logger(__name__)

_Answers = dict[str, Prediction | NoPrediction]


@dataclass(frozen=True)
class FirstLabels:
    """The labels in an annotation for the targets of a task that had no label.

    `labels` are values of the label types by control. `pre_annotated`: the annotation was made
    from a prediction. `labelled_since`: when the task may have entered datasets, for its other
    targets; None if it is in none.
    """

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


class LoadedChampions:
    """The versions that predict for a drain's events: one in memory, loaded outside of the lock."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._predictor: VersionPredictor | None = None

    def load(self, version: ModelVersion) -> None:
        """Load the version's predictor; None is stored for one that does not load."""
        self._version, self._predictor = version.pk, None
        try:
            self._predictor = model_cache.predictor_for(version)
        except Exception:
            log.exception("champion_failed", project=version.project_id, version=version.label)

    def predictor(self, version: ModelVersion) -> VersionPredictor | None:
        """The version's predictor; None if it does not load. Raises NotLoaded."""
        if version.pk != self._version:
            loaded = model_cache.cached(version)
            if loaded is None:
                raise NotLoaded(version)
            self._version, self._predictor = version.pk, loaded
        return self._predictor


class ChampionHistory:
    """The versions that served a project, by the audit entries that moved the pointer."""

    def __init__(self, project: Project) -> None:
        moves = AuditEntry.objects.filter(project=project, verb__in=CHAMPION_MOVES)
        self._moves = list(moves.order_by("-id").values_list("at", "to_version"))
        self._versions: dict[int, ModelVersion] = {}

    def at(self, when: datetime) -> ModelVersion | None:
        """The version that served at that time, with its run; each is read once."""
        pk = next((version for at, version in self._moves if at <= when), None)
        if pk is None:
            return None
        if pk not in self._versions:
            self._versions[pk] = ModelVersion.objects.select_related("run").get(pk=pk)
        return self._versions[pk]


def first_labels(
    project: Project, change: PutAnnotation, task: TaskState | None, targets: tuple[TargetSpec, ...]
) -> FirstLabels | None:
    """The first labels in an annotation that a human has just submitted, else None.

    `task` is the annotation's task before the annotation is applied, `targets` are those of the
    project's label config.
    """
    annotation = change.annotation
    if not change.live or not consensus.is_submitted(annotation):
        return None
    created, updated = (
        parse_datetime(annotation.get("created_at")),
        parse_datetime(annotation.get("updated_at")),
    )
    if task and created and annotation["id"] in {a["id"] for a in task.annotations}:
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
        data=data,
        targets=targets,
        labels=labels,
        created_at=created,
        pre_annotated=annotation.get("parent_prediction") is not None,
        labelled_since=_labelled_since(task),
    )


class PredictionRequests:
    """Tasks with a first label in a batch of events, to be predicted by the champion of that time.

    `add` is called before a label is applied, and `outcomes` before any is written; it predicts
    all of them at once. A version that may have learned from a task does not predict it.
    """

    def __init__(self, project: Project, champions: LoadedChampions) -> None:
        self._project = project
        self._champions = champions
        self._history: ChampionHistory | None = None
        self._by_version: dict[int, list[_PredictionRequest]] = {}

    def add(self, task_id: int, first: FirstLabels) -> None:
        """Request a prediction of the version that served at the label. Raises NotLoaded."""
        self._history = self._history or ChampionHistory(self._project)
        version = self._history.at(first.created_at)
        if version is None or _may_have_learned(version, first):
            return
        if predictor := self._champions.predictor(version):
            request = _PredictionRequest(task_id, first, version, predictor)
            self._by_version.setdefault(version.pk, []).append(request)

    def outcomes(self) -> list[tuple[int, Outcome]]:
        """Each outcome with its task's id in Label Studio; the outcome's `task` is still unset.

        A part that fails is logged only, so that the labels are stored.
        """
        return [
            outcome for requests in self._by_version.values() for outcome in self._predict(requests)
        ]

    def _predict(self, requests: "list[_PredictionRequest]") -> list[tuple[int, Outcome]]:
        """The outcomes of one version; of each task alone where all together fail."""
        try:
            return _outcomes(self._project, requests)
        except Exception:
            if len(requests) > 1:
                return [outcome for one in requests for outcome in self._predict([one])]
            version = requests[0].version
            log.exception("champion_failed", project=self._project.pk, version=version.label)
            return []


@dataclass(frozen=True)
class _PredictionRequest:
    task_id: int
    first: FirstLabels
    version: ModelVersion
    predictor: VersionPredictor


def _outcomes(
    project: Project, requests: Sequence[_PredictionRequest]
) -> list[tuple[int, Outcome]]:
    version, predictor = requests[0].version, requests[0].predictor
    targets = requests[0].first.targets
    # A control that has another pipeline by now is still filled by the one that learned it.
    filled = targets_of(predictor, project.label_config, project.options)
    # By stored features only: the mirror's lock is not held while an image is downloaded.
    store = OnlineInputs(project, seconds=0, targets=targets)
    answers: list[_Answers] = [{} for _ in requests]
    names = served_names(project, version, targets).of_learned(predictor.targets)
    learned = names.of_targets(filled)
    for part in predictor.each:
        for found, more in zip(answers, _answers(part, requests, learned, store), strict=True):
            found |= more
    outcomes = []
    for request, answer in zip(requests, answers, strict=True):
        visible = visibility.visible_answers(names.of_answers(answer), targets)
        outcomes += [
            (request.task_id, _outcome(version, request.first, predicted, human))
            for name, human in request.first.labels.items()
            if isinstance(predicted := visible.get(name), Prediction)
        ]
    return outcomes


def _answers(
    part: VersionPredictor,
    requests: Sequence[_PredictionRequest],
    targets: Sequence[TargetSpec],
    store: OnlineInputs,
) -> list[_Answers]:
    """A part's answers; of each task alone where all together fail, and none where that fails."""
    try:
        return part.predict([q.first.data for q in requests], targets, store)
    except Exception:
        if len(requests) > 1:
            return [
                answers for one in requests for answers in _answers(part, [one], targets, store)
            ]
        version = requests[0].version
        log.exception("champion_failed", project=version.project_id, version=version.label)
        return [{}]


def _labelled_since(task: TaskState | None) -> datetime | None:
    """When the task had its split, in this drain or before; None without one."""
    row = task.row if task else None
    if task is None or not (task.split_basis or (row and row.split)):
        return None
    made = [when for a in task.annotations if (when := parse_datetime(a["created_at"]))]
    return min(made, default=row.created_at if row else None)


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
