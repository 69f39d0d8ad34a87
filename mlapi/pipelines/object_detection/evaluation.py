"""Evaluates an object detection version on the holdout, from the rows of a SELECT."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlapi import label_types
from mlapi.domain import InputError, Prediction, TargetSpec
from mlapi.eva.execute import execute
from mlapi.eva.open import Eva
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget
from mlapi.evaluation.evaluate import Holdout, Version, outcome_row, predict_table
from mlapi.label_types.base import Evaluated
from mlapi.label_types.label_metrics import row
from mlapi.label_types.labelled_box import boxes_from_json
from mlapi.labelstudio import visibility
from mlapi.pipelines.object_detection import dataset as datasets
from mlapi.pipelines.object_detection.dataset import DetectionDataset
from mlapi.pipelines.object_detection.function import DetectObjects
from mlapi.pipelines.object_detection.model import DetectionModel
from mlapi.run_folder.job import Chosen, TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import MetricRow, OutcomeRow


@dataclass(frozen=True)
class DetectionPredictions:
    """A version's predictions by control and task, and the thresholds of what it has learned.

    `hidden` are, by control, the tasks for which its other predictions hide it.
    """

    of_tasks: Mapping[str, Mapping[int, Prediction]]
    labels: Mapping[str, tuple[str, ...]]
    thresholds: Mapping[str, Mapping[str, float]]
    hidden: Mapping[str, set[int]] = field(default_factory=dict)


class DetectionHoldout(Holdout[DetectionModel, DetectionPredictions]):
    """The holdout of a dataset, and the EvaDB table that it is in."""

    primary_metric = "map_50"

    def __init__(
        self, eva: Eva, job: TrainingJob, dataset: DetectionDataset, progress: ProgressWriter
    ) -> None:
        self._eva = eva
        self._job = job
        self._dataset = dataset
        self._progress = progress
        self._humans = self._read_humans()

    def _read_humans(self) -> dict[str, dict[int, Any]]:
        """By control the humans' boxes of each task."""
        found: dict[str, dict[int, Any]] = {spec.name: {} for spec in self._job.targets}
        rows = execute(
            self._eva,
            f"SELECT id, number, boxes FROM {self._dataset.holdout}",  # noqa: S608
        )
        for one in [] if rows is None or rows.empty else rows.to_dict("records"):
            spec = self._job.targets[int(one["number"])]
            found[spec.name][int(one["id"])] = datasets.boxes_of(one["boxes"])
        return found

    def predict(self, version: Version[DetectionModel]) -> DetectionPredictions | None:
        numbers = {target.spec.name: i for i, target in enumerate(version.model.targets)}
        learned = [spec.name for spec in self._job.targets if spec.name in numbers]
        if not learned:
            return None
        of_tasks: dict[str, dict[int, Prediction]] = {name: {} for name in learned}
        for name, task, found in self._found(version, numbers):
            if name in of_tasks and self._keep(name, task, found):
                target = version.model.targets[numbers[name]]
                of_tasks[name][task] = target.answer(
                    self._spec(name), boxes_from_json(found["boxes"])
                )
        hidden = self._hidden(of_tasks, self._job.chosen_elsewhere(version.number))
        targets = {name: version.model.targets[numbers[name]] for name in learned}
        return DetectionPredictions(
            of_tasks,
            {name: target.spec.labels for name, target in targets.items()},
            {name: target.thresholds for name, target in targets.items()},
            hidden,
        )

    def _hidden(
        self, of_tasks: Mapping[str, Mapping[int, Prediction]], elsewhere: Chosen
    ) -> dict[str, set[int]]:
        """By control the tasks for which what is predicted elsewhere hides it."""
        conditional = [s.name for s in self._job.targets if s.conditions and s.name in of_tasks]
        found: dict[str, set[int]] = {name: set() for name in conditional}
        for task in {task for name in conditional for task in of_tasks[name]}:
            chosen = {name: values.get(task, ()) for name, values in elsewhere.items()}
            visible = visibility.visible_controls(self._job.targets, chosen)
            for name in conditional:
                if name not in visible:
                    found[name].add(task)
        return found

    def _shown(self, name: str, *predictions: DetectionPredictions | None) -> dict[int, Any]:
        """The humans' boxes of the tasks for which none of these hides the control."""
        hidden = {
            task for one in predictions if one is not None for task in one.hidden.get(name, ())
        }
        return {task: value for task, value in self._humans[name].items() if task not in hidden}

    def _spec(self, name: str) -> TargetSpec:
        return next(spec for spec in self._job.targets if spec.name == name)

    def _found(
        self, version: Version[DetectionModel], numbers: Mapping[str, int]
    ) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Control, task and what the version's EvaDB function found, of each row of the table."""
        if not any(self._humans.values()):
            return
        specs = self._job.targets
        listed = ",".join(str(numbers.get(spec.name, -1)) for spec in specs)
        rows = predict_table(
            self._eva,
            self._job,
            version,
            DetectObjects,
            self._dataset.holdout,
            ["path", "number"],
            detectors=listed,
        )
        for task, number, found in zip(rows["id"], rows["target"], rows["found"], strict=True):
            yield specs[int(number)].name, int(task), json.loads(found)

    def _keep(self, name: str, task: int, found: Mapping[str, Any]) -> bool:
        """Whether the task stays in the holdout: not if its boxes are of another image."""
        humans = self._humans[name]
        if task not in humans:
            return False
        try:
            if "code" in found:
                raise InputError(found["code"], found["message"])
            width, height = found["size"]
            datasets.check_size(humans[task], (width, height))
        except InputError as error:
            self._dataset.leave_out(task, error.code)
            del humans[task]
            return False
        return True

    def metrics(self, predictions: DetectionPredictions) -> list[MetricRow]:
        """The primary one is the mean of the trained targets' mAP@50."""
        rows: list[MetricRow] = []
        tasks: set[int] = set()
        for name, found in predictions.of_tasks.items():
            spec, humans = self._spec(name), self._shown(name, predictions)
            evaluated = Evaluated(
                truth=[*humans.values()],
                predicted=[_value(found, task) for task in humans],
                labels=predictions.labels[name],
                unlearned=[label for label in spec.labels if label not in predictions.labels[name]],
                seed=self._job.seed,
                log=self._progress.log,
            )
            own = label_types.of(spec).metrics(evaluated) if humans else []
            own += [
                replace(row("score_threshold", value, 0, label=label), split="train")
                for label, value in predictions.thresholds[name].items()
            ]
            rows += [replace(one, target=name) for one in own]
            tasks.update(humans)
        scores = [r.value for r in rows if r.name == "map_50" and r.value is not None]
        mean = sum(scores) / len(scores) if scores else None
        return [*rows, row("primary", mean, len(tasks))]

    def outcomes(self, predictions: DetectionPredictions) -> list[OutcomeRow]:
        return [
            outcome_row(self._spec(name), task, found.get(task), human)
            for name, found in predictions.of_tasks.items()
            for task, human in self._shown(name, predictions).items()
        ]

    def paired(
        self, candidate: DetectionPredictions, champion: DetectionPredictions | None
    ) -> PairedHoldout:
        others = {} if champion is None else champion.of_tasks
        both = [
            PairedTarget.of(
                spec.name,
                spec.kind,
                [*humans],
                [*humans.values()],
                [_value(candidate.of_tasks.get(spec.name, {}), task) for task in humans],
                [_value(others.get(spec.name, {}), task) for task in humans],
                self._dataset.excluded[spec.name],
            )
            for spec in self._job.targets
            for humans in [self._shown(spec.name, candidate, champion)]
            if spec.name in candidate.of_tasks or spec.name in others
        ]
        serves = champion is not None and any(
            set(champion.labels[name]) & set(self._spec(name).labels) for name in champion.labels
        )
        return PairedHoldout(both, serves)


def _value(found: Mapping[int, Prediction], task: int) -> Any | None:
    return label_types.value_of(found[task]) if task in found else None
