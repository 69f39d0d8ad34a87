"""The learning curve of a version: its candidate fitted on growing parts of the training split."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mlapi import label_types
from mlapi.eva.execute import execute, write_table
from mlapi.eva.open import Eva, open_eva
from mlapi.label_types import shape_of
from mlapi.label_types.label_metrics import row
from mlapi.pipelines.classification import dataset as datasets
from mlapi.pipelines.classification import evaluation
from mlapi.pipelines.classification.automl import AUTOML, AutoML
from mlapi.pipelines.classification.dataset import Modality
from mlapi.pipelines.classification.examples import read_examples
from mlapi.pipelines.classification.model import Classifier, TrainedTarget
from mlapi.pipelines.classification.model_selection import candidate_named
from mlapi.pipelines.classification.predictor import THRESHOLD
from mlapi.pipelines.models import load_model
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.statistics import indicators, macro_f1
from registry.training_result import LearningCurve, MetricRow, TrainingResult

QUARTERS = (1, 2, 3, 4)


def learning_curve(
    job: TrainingJob, progress: ProgressWriter, modality: Modality, result: TrainingResult
) -> LearningCurve:
    """Macro F1 on the holdout of the best candidate, fitted on 25, 50, 75 and 100 %.

    The parts are nested, and each has its share of every class. All are calibrated and decide as
    the version does, so that the last point is its macro F1, and on the tasks that the version was
    evaluated on: without those for which it hides the control. A part with one class only has no
    point.
    """
    best = {c.target: c.name for c in result.candidates if c.won}
    dataset = datasets.build(modality, job.rows, job.targets, job.seed)
    eva = open_eva(job.folder / "eva-curve", progress.statement)
    version: Classifier = load_model(str(job.artifact), result.artifact_sha256)
    today = {t.name: t for t in job.targets}
    metrics: list[MetricRow] = []
    for i, trained in enumerate(version.targets):
        progress.phase("learning curve", i / len(version.targets))
        name = trained.spec.name
        holdout = evaluation.holdout(dataset, today[name])
        if today[name].conditions:
            visible = {outcome.task for outcome in result.outcomes if outcome.target == name}
            holdout = holdout.without(set(holdout.tasks) - visible)
        if holdout.tasks:
            metrics += _points(eva, job, dataset, trained, holdout, best[name], i + 1)
    return LearningCurve(metrics)


def _points(
    eva: Eva,
    job: TrainingJob,
    dataset: datasets.ClassifierDataset,
    trained: TrainedTarget,
    holdout: evaluation.HoldoutTarget,
    candidate: str,
    number: int,
) -> list[MetricRow]:
    spec = trained.spec
    columns = dataset.columns[spec.name]
    inputs = dataset.holdout.set_index("id").loc[holdout.tasks, columns.input].tolist()
    # Over all labels that humans gave, those that the version never learned included.
    humans = [label_types.of(spec).classes(human) for human in holdout.humans]
    known = [*spec.labels, *sorted({x for h in humans for x in h} - set(spec.labels))]
    truth = indicators(humans, known)
    table = f"{job.prefix}_curve_{number}"
    _table(eva, table, dataset, columns, job.seed)
    automl = None
    if candidate == AUTOML:
        place = datasets.Columns("input", "label", "quarter")
        automl = AutoML(eva, dataset.modality, table, place, table, spec.labels, job.seed)
    metrics: list[MetricRow] = []
    for quarter in QUARTERS:
        where = f"quarter <= {quarter}"
        frame = execute(
            eva,
            f"SELECT id, input, label, quarter FROM {table} WHERE {where}",  # noqa: S608
        ).set_axis(["id", "input", "label", "fold"], axis=1)
        examples = read_examples(dataset.modality, spec, frame.sort_values("id"))
        if frame["label"].nunique() < 2 or (metrics and metrics[-1].step == len(frame)):
            continue
        estimator = (
            automl.fit(f"q{quarter}", examples.inputs, where, job.time_budget_s / 4)
            if automl
            else examples.fit(
                candidate_named(dataset.modality, candidate),
                np.ones(len(examples.inputs), dtype=bool),
            )
        )
        predicted = np.zeros(truth.shape)
        probabilities = trained.calibration.probabilities(estimator.scores(inputs))
        predicted[:, : len(spec.labels)] = _predicted(probabilities, trained)
        point = row("learning_curve", macro_f1(truth, predicted), len(inputs), step=len(frame))
        metrics.append(replace(point, target=spec.name))
    return metrics


def _table(
    eva: Eva, table: str, dataset: datasets.ClassifierDataset, columns: datasets.Columns, seed: int
) -> None:
    """Write the usable training tasks with the quarter in which each one joins."""
    train = dataset.train[dataset.train[columns.fold] >= 0]
    quarter = datasets.folds(train[columns.label].tolist(), seed + 1, len(QUARTERS)) + 1
    frame = pd.DataFrame(
        {
            "id": train["id"],
            "input": train[columns.input],
            "label": train[columns.label],
            "quarter": quarter,
        }
    )
    kinds = {"input": dataset.modality.column_type, "label": "text", "quarter": "integer"}
    write_table(eva, table, frame, {"id": "integer", **kinds})


def _predicted(probabilities: np.ndarray, trained: TrainedTarget) -> np.ndarray:
    """As `predictor.answers` decides, (n, labels) of 0 and 1."""
    if shape_of(trained.spec) == "single":
        weights = 1.0 if trained.weights is None else trained.weights
        return np.eye(len(trained.spec.labels))[(probabilities * weights).argmax(axis=1)]
    return (probabilities >= THRESHOLD).astype(float)
