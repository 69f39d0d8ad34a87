"""Which version answers a request, and its answer: one entry per task, always."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from mlapi.domain import Answer, FeatureStore, Problem, TargetSpec
from mlapi.features import SECONDS, ProjectFeatures
from mlapi.labelstudio import label_config as label_configs
from mlapi.labelstudio import results
from mlapi.labelstudio.label_config import LabelConfig
from mlapi.loading import ModelUnavailable, forget, load, predictor_for, warm_up
from mlapi.pipelines.base import Predictor
from mlapi.served_config import targets_of
from registry.acts.tasks import live
from registry.errors import EvalsError
from registry.models import ModelVersion, Project

log = structlog.get_logger(__name__)
__all__ = [
    "Answered",
    "ModelUnavailable",
    "answer",
    "ask_champion",
    "forget",
    "load",
    "predictor_for",
    "warm_up",
]


@dataclass(frozen=True)
class Answered:
    """One entry per task, in order, and for each reason the tasks that could not be predicted."""

    results: list[dict[str, Any] | list]
    model_version: str | None
    problems: dict[str, list[Any]] = field(default_factory=dict)

    def summary(self) -> str:
        """One sentence: how many tasks have no prediction, and why."""
        empty = sum(map(len, self.problems.values()))
        reasons = ", ".join(f"{code} {len(ids)}" for code, ids in self.problems.items())
        return f"{empty} of {len(self.results)} tasks have no prediction: {reasons}"


def answer(
    project: Project | None, label_config: str, tasks: Sequence[Any], context: Any = None
) -> Answered:
    """Predict with the project's champion; one entry per task, in order, whatever they hold.

    A task that cannot be predicted has the empty entry `[]`, which Label Studio stores
    nothing for. In interactive mode (`context` is not None) it is `{"result": []}`,
    because the editor reads `result` of whatever it gets. Of a task only its `data`
    reaches the model.
    """
    empty: dict[str, Any] | None = None if context is None else {"result": []}
    version = project.champion if project else None
    try:
        served = _served(project, version, label_config)
    except EvalsError as e:
        everything = {e.code: [_id(task) for task in tasks]} if tasks else {}
        label = version.label if version else None
        return Answered([_empty(empty) for _ in tasks], label, everything)
    return _answer(served, tasks, empty)


def ask_champion(
    project: Project, tasks: Sequence[tuple[int, dict[str, Any]]], seconds: float = SECONDS
) -> list[dict[str, Answer | Problem]]:
    """What the champion says of mirrored tasks (id, data) under the project's own label config.

    Pictures that were not seen before are fetched and seen for so many seconds.

    Raises NoModel, ModelUnavailable or ConfigNotServed, and nothing for what a task holds.
    """
    served = _served(project, project.champion, project.label_config)
    store = ProjectFeatures(project, lambda: tasks, seconds)
    return _predict(served, [data for _, data in tasks], store)


class ProjectUnknown(EvalsError):
    """Never set up, or out of the caller's scope."""

    code = "project_unknown"


class NoModel(EvalsError):
    """Nothing serves the project yet."""

    code = "no_model"


class ConfigNotServed(EvalsError):
    """The request's label config has no control that the version's pipeline fills."""

    code = "label_config_unserved"


@dataclass(frozen=True)
class _Served:
    """All that a request's tasks are predicted with."""

    project: Project
    version: ModelVersion
    predictor: Predictor
    config: LabelConfig
    specs: tuple[TargetSpec, ...]


def _served(project: Project | None, version: ModelVersion | None, label_config: str) -> _Served:
    if project is None:
        raise ProjectUnknown("No such project.")
    if version is None:
        raise NoModel("No version serves the project yet.")
    text = label_config or project.label_config
    config = label_configs.parse(text)
    predictor = predictor_for(version)
    specs = targets_of(version.pipeline, text, project.options)
    if not specs:
        raise ConfigNotServed("The label config has no control that the version fills.")
    return _Served(project, version, predictor, config, specs)


def _answer(served: _Served, tasks: Sequence[Any], empty: dict[str, Any] | None) -> Answered:
    entries: list[dict[str, Any] | list] = [_empty(empty) for _ in tasks]
    problems: dict[str, list[Any]] = {}
    readable: dict[int, dict[str, Any]] = {}
    for i, task in enumerate(tasks):
        data = _data(task)
        if data is None:
            problems.setdefault("task_invalid", []).append(_id(task))
        else:
            readable[i] = data
    store = ProjectFeatures(served.project, lambda: _mirrored(served.project, tasks))
    answers = _predict(served, list(readable.values()), store)
    for i, said in zip(readable, answers, strict=True):
        prediction = results.prediction(said, served.config, served.version.label)
        if prediction is None:
            problems.setdefault(_why_empty(said), []).append(_id(tasks[i]))
        else:
            entries[i] = prediction
    return Answered(entries, served.version.label, problems)


def _mirrored(project: Project, tasks: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    """Id and data of those of the request's tasks that are mirrored."""
    ids = [number for task in tasks if isinstance(number := _id(task), int)]
    return live(project).filter(labelstudio_id__in=ids).values_list("pk", "data")


def _predict(
    served: _Served, rows: list[dict[str, Any]], store: FeatureStore
) -> list[dict[str, Answer | Problem]]:
    """The predictor's answers; a batch on which it fails is halved until it is known where."""
    if not rows:
        return []
    try:
        answers = served.predictor.predict(rows, served.specs, store)
        if len(answers) != len(rows):
            raise ValueError(f"{len(answers)} answers for {len(rows)} rows")
        return answers
    except Exception:  # noqa: BLE001 - one task may never spoil its batch
        if len(rows) > 1:
            half = len(rows) // 2
            return _predict(served, rows[:half], store) + _predict(served, rows[half:], store)
        log.exception("prediction_failed", version=served.version.label)
        name = served.specs[0].name
        return [{name: Problem(name, "prediction_failed", "The model failed on this task.")}]


def _why_empty(said: dict[str, Answer | Problem]) -> str:
    """The code of the first problem; without one, the config allows none of the answers."""
    codes = (a.code for a in said.values() if isinstance(a, Problem))
    return next(codes, "answer_not_allowed" if said else "target_not_trained")


def _data(task: Any) -> dict[str, Any] | None:
    data = task.get("data") if isinstance(task, dict) else None
    return data if isinstance(data, dict) else None


def _id(task: Any) -> Any:
    number = task.get("id") if isinstance(task, dict) else None
    return number if isinstance(number, int | str) else None


def _empty(empty: dict[str, Any] | None) -> dict[str, Any] | list:
    return [] if empty is None else dict(empty)
