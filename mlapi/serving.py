"""Answers /predict with the project's champion: one entry per task, always."""

import random
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from mlapi.domain import NoPrediction, Prediction, TargetSpec
from mlapi.errors import ConfigUnserved, ProjectUnknown
from mlapi.images.features import InputSource
from mlapi.images.online import SECONDS, naming
from mlapi.inputs.online import OnlineInputs
from mlapi.labelstudio import consensus, results, visibility
from mlapi.labelstudio import label_config as label_configs
from mlapi.labelstudio.label_config import LabelConfig
from mlapi.model_cache import predictor_for
from mlapi.pipelines.version_predictor import VersionPredictor
from mlapi.served_config import targets_of
from mlapi.served_names import ServedNames, served_names
from registry.actions.tasks import existing
from registry.errors import EvalsError
from registry.models import ModelVersion, Project

log = structlog.get_logger(__name__)
_LARGEST_ID = 2**63 - 1  # a bigint column
# Rows that are sampled where a model fails on both halves of a batch.
_PROBES = 8

_TaskAnswers = dict[str, Prediction | NoPrediction]


@dataclass(frozen=True)
class Predictions:
    """One entry per task, in order, and by code the tasks without a prediction.

    `nothing` are the tasks that have an empty entry because the prediction is that there is
    nothing in them: Label Studio would take an empty result for a finished task.
    """

    results: list[dict[str, Any] | list]
    model_version: str | None
    problems: dict[str, list[Any]] = field(default_factory=dict)
    nothing: list[Any] = field(default_factory=list)

    @property
    def empty(self) -> int:
        """The number of tasks without a prediction."""
        return sum(map(len, self.problems.values()))

    def summary(self) -> str:
        """One sentence: how many tasks have no prediction, and why."""
        reasons = ", ".join(f"{code} {len(ids)}" for code, ids in self.problems.items())
        return f"{self.empty} of {len(self.results)} tasks have no prediction: {reasons}"


def answer(
    project: Project | None, label_config: str, tasks: Sequence[Any], context: Any = None
) -> Predictions:
    """Predict with the project's champion; one entry per task, in order, whatever they hold.

    A task that cannot be predicted has the empty entry `[]`, which Label Studio stores
    nothing for. In interactive mode (`context` is not None) it is `{"result": []}`,
    because the editor reads `result` of whatever it gets. Of a task only its `data`
    reaches the model.
    """
    empty: dict[str, Any] | None = None if context is None else {"result": []}
    version = project.champion if project else None
    try:
        return _answer(_served(project, version, label_config), tasks, empty, context)
    except EvalsError as e:
        everything = {e.code: [_id(task) for task in tasks]} if tasks else {}
        label = version.label if version else None
        return Predictions([_empty(empty) for _ in tasks], label, everything)


def predict_mirrored(
    project: Project, tasks: Sequence[tuple[int, dict[str, Any]]], seconds: float = SECONDS
) -> list[_TaskAnswers]:
    """The champion's predictions for mirrored tasks (id, data) under the project's label config.

    Images without stored features are downloaded for at most `seconds`. Raises NoModel,
    ModelUnavailable or ConfigUnserved, and nothing because of a task's content.
    """
    served = _served(project, project.champion, project.label_config)
    store = OnlineInputs(
        project,
        lambda addresses: naming(tasks, addresses, served.specs),
        seconds,
        targets=served.specs,
    )
    answers = _predict(served, [data for _, data in tasks], store)
    store.save_texts(tasks)
    return [visibility.visible_answers(found, served.config.controls) for found in answers]


class NoModel(EvalsError):
    """No version serves the project yet."""

    code = "no_model"


@dataclass(frozen=True)
class _Served:
    """The version, predictor and targets of one request; `names` are today's of its labels."""

    project: Project
    version: ModelVersion
    predictor: VersionPredictor
    config: LabelConfig
    specs: tuple[TargetSpec, ...]
    names: ServedNames

    @property
    def learned_specs(self) -> tuple[TargetSpec, ...]:
        """The targets with the labels that the version calls them by."""
        return self.names.of_targets(self.specs)


def _served(project: Project | None, version: ModelVersion | None, label_config: str) -> _Served:
    if project is None:
        raise ProjectUnknown("No such project.")
    if version is None:
        raise NoModel("No version serves the project yet.")
    text = label_config or project.label_config
    config = label_configs.parse(text)
    predictor = predictor_for(version)
    specs = targets_of(predictor, text, project.options)
    if not specs:
        raise ConfigUnserved("The label config has no control that the version fills.")
    names = served_names(project, version, specs).of_learned(predictor.targets)
    return _Served(project, version, predictor, config, specs, names)


def _answer(
    served: _Served, tasks: Sequence[Any], empty: dict[str, Any] | None, context: Any
) -> Predictions:
    entries: list[dict[str, Any] | list] = [_empty(empty) for _ in tasks]
    problems: dict[str, list[Any]] = {}
    nothing: list[Any] = []
    readable: dict[int, dict[str, Any]] = {}
    for i, task in enumerate(tasks):
        data = _data(task)
        if data is None:
            problems.setdefault("task_invalid", []).append(_id(task))
        else:
            readable[i] = data
    store = OnlineInputs(
        served.project, lambda found: _mirrored(served, tasks, found), targets=served.specs
    )
    drawn = _drawn(served, context) if len(readable) == 1 else {}
    answers = _suggest(served, list(readable.values()), drawn, store)
    answers = answers or _predict(served, list(readable.values()), store)
    for i, task_answers in zip(readable, answers, strict=True):
        prediction = results.prediction(task_answers, served.config, served.version.label)
        if prediction is not None:
            entries[i] = prediction
        elif results.is_nothing(task_answers, served.config):
            nothing.append(_id(tasks[i]))
        else:
            problems.setdefault(_why_empty(task_answers, served.config), []).append(_id(tasks[i]))
    return Predictions(entries, served.version.label, problems, nothing)


def _drawn(served: _Served, context: Any) -> dict[str, Any]:
    """By control the values of the regions that a person has just drawn, in interactive mode."""
    regions = context.get("result") if isinstance(context, dict) else None
    return consensus.annotation_labels({"result": regions}, served.specs) if regions else {}


def _suggest(
    served: _Served, rows: list[dict[str, Any]], drawn: Mapping[str, Any], store: InputSource
) -> list[_TaskAnswers]:
    """What the version predicts beside what was drawn; none where it has nothing of that kind."""
    if not drawn:
        return []
    try:
        learned = served.names.of_drawn(drawn, served.specs)
        found = served.predictor.suggest(rows[0], served.learned_specs, learned, store)
    except (EvalsError, OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("suggestion_failed", version=served.version.label)
        return []
    return [served.names.of_answers(found)] if found else []


def _mirrored(
    served: _Served, tasks: Sequence[Any], addresses: Container[str]
) -> list[tuple[int, str]]:
    """(Task.pk, address) of the request's mirrored tasks that name one of the addresses."""
    ids_sent = [(_id(task), _data(task)) for task in tasks]
    sent = [(n, data) for n, data in ids_sent if isinstance(n, int) and 0 < n <= _LARGEST_ID]
    named = list(naming(sent, addresses, served.specs))
    mirrored = existing(served.project).filter(labelstudio_id__in={number for number, _ in named})
    ids = dict(mirrored.values_list("labelstudio_id", "pk"))
    return [(ids[number], address) for number, address in named if number in ids]


def _predict(served: _Served, rows: list[dict[str, Any]], store: InputSource) -> list[_TaskAnswers]:
    """The predictor's answers; targets of a pipeline that fails on a row get `prediction_failed`.

    Logs one traceback for each pipeline. Raises EvalsError, and OperationalError or InterfaceError
    where the database is unavailable.
    """
    answers: list[_TaskAnswers] = []
    for predictor in served.predictor.each if rows else ():
        attempt = _BisectingPredictor(predictor, served.learned_specs, store)
        found = attempt.predict(rows)
        answers = [a | b for a, b in zip(answers, found, strict=True)] if answers else found
        if attempt.failure is not None:
            log.error(
                "prediction_failed",
                version=served.version.label,
                pipelines=predictor.pipelines,
                tasks=attempt.failed,
                exc_info=attempt.failure,
            )
    names = served.names
    return [names.of_answers(found) for found in answers] if names.names else answers


class _BisectingPredictor:
    """Predicts rows with a pipeline, and isolates by bisection those on which its model fails.

    A batch whose halves both fail is sampled first: where the model fails on each of eight rows,
    all are counted as failed, which costs a dozen calls instead of two for each row.
    """

    def __init__(
        self, predictor: VersionPredictor, specs: tuple[TargetSpec, ...], store: InputSource
    ) -> None:
        self._predictor = predictor
        self._specs = specs
        self._store = store
        self.failed = 0
        self.failure: Exception | None = None

    def predict(self, rows: list[dict[str, Any]]) -> list[_TaskAnswers]:
        """One entry for each row."""
        answers = self._predict_batch(rows, is_shared=True)
        return self._bisect(rows) if answers is None else answers

    def _predict_batch(
        self, rows: list[dict[str, Any]], *, is_shared: bool = False
    ) -> list[_TaskAnswers] | None:
        """The predictor's answers to one batch; None if it fails."""
        predictor = self._predictor
        predict = predictor.predict_shared if is_shared else predictor.predict
        try:
            answers = predict(rows, self._specs, self._store)
            if len(answers) != len(rows):
                raise ValueError(f"{len(answers)} answers for {len(rows)} rows")
            return answers
        except (EvalsError, OperationalError, InterfaceError):
            raise
        except Exception as e:  # noqa: BLE001 - one task may never spoil its batch
            self.failure = self.failure or e
            return None

    def _bisect(self, rows: list[dict[str, Any]]) -> list[_TaskAnswers]:
        """The answers to a batch on which the predictor failed."""
        if len(rows) == 1:
            return self._failed(rows)
        halves = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
        found = [self._predict_batch(half) for half in halves]
        if not any(found) and self._fails_on_each(rows):
            return self._failed(rows)
        return [
            entry
            for half, answers in zip(halves, found, strict=True)
            for entry in answers or self._bisect(half)
        ]

    def _fails_on_each(self, rows: list[dict[str, Any]]) -> bool:
        """Whether the predictor fails on each row of a sample; False for a small batch."""
        if len(rows) <= _PROBES:
            return False
        # Random, so that no pattern in the tasks' order decides; the same for the same rows.
        sample = random.Random(len(rows)).sample(rows, _PROBES)  # noqa: S311
        return all(self._predict_batch([row]) is None for row in sample)

    def _failed(self, rows: list[dict[str, Any]]) -> list[_TaskAnswers]:
        self.failed += len(rows)
        learned = {(target.name, target.pipeline) for target in self._predictor.targets}
        names = [spec.name for spec in self._specs if (spec.name, spec.pipeline) in learned]
        failed = {
            name: NoPrediction(name, "prediction_failed", "The model failed on this task.")
            for name in names
        }
        return [dict(failed) for _ in rows]


def _why_empty(answers: _TaskAnswers, config: LabelConfig) -> str:
    """The code of the first NoPrediction; without one, what the config does to the answers."""
    codes = [a.code for a in answers.values() if isinstance(a, NoPrediction)]
    if codes or not answers:
        return codes[0] if codes else "target_not_trained"
    return "control_hidden" if results.is_hidden(answers, config) else "answer_not_allowed"


def _data(task: Any) -> dict[str, Any] | None:
    data = task.get("data") if isinstance(task, dict) else None
    return data if isinstance(data, dict) else None


def _id(task: Any) -> Any:
    number = task.get("id") if isinstance(task, dict) else None
    return number if isinstance(number, int | str) else None


def _empty(empty: dict[str, Any] | None) -> dict[str, Any] | list:
    return [] if empty is None else dict(empty)
