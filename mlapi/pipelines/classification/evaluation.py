"""Asks a version for the holdout through its EvaDB function, and judges what it says."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mlapi.domain import Answer, TargetSpec
from mlapi.eva import functions
from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.evaluation import classification, comparison
from mlapi.pipelines.classification.answers import answers
from mlapi.pipelines.classification.dataset import Dataset, decode
from mlapi.pipelines.classification.function import ClassifierFunction
from mlapi.pipelines.classification.model import load_model
from registry.training_result import Comparison, MetricRow, OutcomeRow


@dataclass
class Asked:
    """What a version said of one target: by task id, the answer and its probabilities."""

    labels: tuple[str, ...]
    answers: dict[int, Answer] = field(default_factory=dict)
    probabilities: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass
class Holdout:
    """A target's judged tasks: those with an input and a label that the config allows."""

    spec: TargetSpec
    tasks: list[int]
    humans: list[tuple[str, ...]]
    excluded: int


def ask(
    eva: Eva,
    function: str,
    artifact: Path,
    dataset: Dataset,
    table: str,
    today: dict[str, TargetSpec],
) -> dict[str, Asked]:
    """What the version in the artifact says of the holdout, as it would be served today.

    By control name, for the targets that it has learned and that the config still asks.
    """
    model = load_model(str(artifact))
    asked = {
        t.spec.name: Asked(t.spec.labels)
        for t in model.targets
        if t.spec.name in today and today[t.spec.name].kind == t.spec.kind
    }
    if not asked or dataset.holdout.empty:
        return asked
    columns = {t: dataset.columns[t].input for t in asked}
    arguments = list(dict.fromkeys(columns.values()))
    inputs = [
        arguments.index(columns[t.spec.name]) if t.spec.name in asked else -1 for t in model.targets
    ]
    execute(
        eva,
        f"CREATE FUNCTION {identifier(function)} "
        "IMPL ':impl' MODEL_PATH ':artifact' INPUTS ':inputs'",
        {
            "impl": functions.path(ClassifierFunction),
            "artifact": str(artifact),
            "inputs": ",".join(map(str, inputs)),
        },
    )
    said = execute(
        eva,
        f"SELECT id, {function}({', '.join(arguments)}) FROM {identifier(table)}",  # noqa: S608
    )
    rows = np.stack(said["probabilities"].tolist())
    for target, part in zip(model.targets, model.slices(), strict=True):
        if target.spec.name in asked:
            _note(asked[target.spec.name], target.spec, said["id"].tolist(), rows[:, part])
    return asked


def _note(asked: Asked, spec: TargetSpec, tasks: list[int], rows: np.ndarray) -> None:
    for task, answer, row in zip(tasks, answers(spec, rows), rows, strict=True):
        if answer is not None:
            asked.answers[task] = answer
            asked.probabilities[task] = row


def holdout(dataset: Dataset, spec: TargetSpec) -> Holdout:
    """The tasks on which the target is judged."""
    columns = dataset.columns[spec.name]
    frame = dataset.holdout[
        dataset.holdout[columns.input].notna() & dataset.holdout[columns.label].notna()
    ]
    humans = [decode(label, spec) for label in frame[columns.label]]
    return Holdout(spec, frame["id"].tolist(), humans, dataset.excluded[spec.name])


def metrics(judged: Holdout, asked: Asked, dataset: Dataset, seed: int) -> list[MetricRow]:
    """The metric rows of a trained target."""
    spec = judged.spec
    probabilities = np.array([asked.probabilities[t] for t in judged.tasks])
    said = [_labels(asked.answers[t]) for t in judged.tasks]
    usual = _usual(dataset, spec)
    if spec.kind == "single":
        rows = classification.single(
            [h[0] for h in judged.humans],
            [s[0] for s in said],
            probabilities,
            asked.labels,
            baseline=usual[0],
            seed=seed,
        )
    else:
        rows = classification.multiple(
            judged.humans, said, probabilities, asked.labels, baseline=usual, seed=seed
        )
    return [replace(row, target=spec.name) for row in rows]


def outcomes(judged: Holdout, asked: Asked) -> list[OutcomeRow]:
    """What the version said of each judged task, beside what humans said."""
    rows = []
    for task, human in zip(judged.tasks, judged.humans, strict=True):
        answer = asked.answers[task]
        said = _labels(answer)
        rows.append(
            OutcomeRow(
                task=task,
                target=judged.spec.name,
                predicted=_shown(said, judged.spec),
                score=answer.score,
                human=_shown(human, judged.spec),
                correct=set(said) == set(human),
            )
        )
    return rows


def compare(
    judged: list[Holdout],
    candidate: dict[str, Asked],
    champion: dict[str, Asked],
    seed: int,
) -> Comparison:
    """Both on the targets that either has learned; who has not learned one says nothing."""
    serves = any(set(asked.labels) & set(h.spec.labels) for h, asked in _pairs(judged, champion))
    both = [
        comparison.Judged(
            h.spec.name,
            h.tasks,
            h.humans,
            [_said(candidate, h.spec, task) for task in h.tasks],
            [_said(champion, h.spec, task) for task in h.tasks],
            h.excluded,
        )
        for h in judged
        if h.spec.name in candidate or h.spec.name in champion
    ]
    return comparison.compare(both, champion_serves=serves, seed=seed)


def _pairs(judged: list[Holdout], champion: dict[str, Asked]) -> list[tuple[Holdout, Asked]]:
    return [(h, champion[h.spec.name]) for h in judged if h.spec.name in champion]


def _said(asked: dict[str, Asked], spec: TargetSpec, task: int) -> tuple[str, ...] | None:
    """The answer as it would be served: one that holds a label not allowed is not said at all."""
    answer = asked[spec.name].answers.get(task) if spec.name in asked else None
    if answer is None:
        return None
    said = _labels(answer)
    return said if set(said) <= set(spec.labels) else None


def _labels(answer: Answer) -> tuple[str, ...]:
    return (answer.value,) if isinstance(answer.value, str) else answer.value


def _shown(labels: tuple[str, ...], spec: TargetSpec) -> str | list[str]:
    return labels[0] if spec.kind == "single" else sorted(labels)


def _usual(dataset: Dataset, spec: TargetSpec) -> tuple[str, ...]:
    """The most common label, or set of them, of the training split."""
    columns = dataset.columns[spec.name]
    given = dataset.train.loc[dataset.train[columns.fold] >= 0, columns.label]
    most = max(sorted(Counter(given).items()), key=lambda item: item[1])[0]
    return decode(most, spec)
