"""The comparison of two versions on the tasks that both were evaluated on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.engine import engine
from registry.label_renames import Renames
from registry.metrics import NO_ROW, Measure, measured, title
from registry.models import Metric, ModelVersion, Outcome, Target
from registry.reports.paired_sample import (
    Answers,
    Difference,
    Labels,
    PairedSample,
    Triple,
    mcnemar,
)
from registry.reports.tasks import TaskView, task_views_by_id

TASKS_SHOWN = 20


@dataclass(frozen=True)
class Disagreement:
    """A task that only one version predicts correctly."""

    target: str
    human: Any
    a: Any
    b: Any
    score_a: float | None
    score_b: float | None
    task: TaskView


@dataclass(frozen=True)
class TargetComparison:
    """A target that both versions are trained for. `metrics` has accuracy and F1 of all labels.

    `p_value` is McNemar's for the tasks that only one version predicts correctly. `a_right` and
    `b_right` have the first 20 of them, the wrong version's highest score first.
    """

    target: str
    kind: str
    n: int
    metrics: list[Difference]
    per_class: list[Difference]
    only_a: int
    only_b: int
    p_value: float
    a_right: list[Disagreement]
    b_right: list[Disagreement]


@dataclass(frozen=True)
class RecordedMetric:
    """A metric as each version's run recorded it, on that run's holdout.

    For `metric` and `k` see `Measure`.
    """

    target: str
    name: str
    metric: str
    k: int
    a: float | None
    n_a: int
    b: float | None
    n_b: int


@dataclass(frozen=True)
class Comparison:
    """`b` beside `a`: differences are b - a.

    `primary` is the unweighted mean macro F1 over the targets of both, on the `n` tasks that
    both were evaluated on; its values are None without such tasks.
    """

    a: ModelVersion
    b: ModelVersion
    n: int
    primary: Difference
    targets: list[TargetComparison]
    recorded: list[RecordedMetric]

    @property
    def summary(self) -> str:
        """The result in one sentence."""
        d = self.primary
        if d.difference is None or d.interval is None:
            return f"{self.a.label} and {self.b.label} have no evaluated task in common."
        low, high = d.interval
        numbers = (
            f"{title(d.name)} {d.difference:+.3f}, 95 % from {low:+.3f} to {high:+.3f}, n = {d.n}"
        )
        if not d.is_clear:
            return f"No clear difference: {self.b.label} against {self.a.label}: {numbers}."
        word = "better" if d.gain > 0 else "worse"
        return f"{self.b.label} is {word} than {self.a.label}: {numbers}."


@dataclass(frozen=True)
class _Row:
    """A task and target with a prediction of both.

    `abstained`: at least one of them was counted as correct without a prediction. With `only`, a
    label, the answers count as that label or not, and no prediction as not.
    """

    task: int
    target: str
    human: Any
    a: Any
    b: Any
    score_a: float | None
    score_b: float | None
    abstained: bool
    only: str | None = None

    @property
    def right(self) -> tuple[bool, bool]:
        human, a, b = self.triple
        return a == human, b == human

    @property
    def triple(self) -> Triple:
        answers = _labels(self.human) or (), _labels(self.a), _labels(self.b)
        if self.only is None:
            return answers
        yes, no = (self.only,), (f"not {self.only}",)
        human, a, b = (yes if labels and self.only in labels else no for labels in answers)
        return human, a, b


def compare(a: ModelVersion, b: ModelVersion, *, seed: int = 0) -> Comparison:
    """Compare two versions of a project; five queries, and one for the versions' project.

    Where the human label changed between the evaluations, the later version's holds for both.
    Labels that were renamed since are compared by their names of today.
    Raises ValueError for versions of two projects.
    """
    if a.project_id != b.project_id:
        raise ValueError("Versions of two projects have no task in common.")
    renames = Renames(a.project.label_renames)
    targets = _targets(b, renames)
    rows = _as_yes_or_no(_rows(a, b, renames), targets)
    by_task: dict[int, dict[str, Triple]] = {}
    for row in rows:
        by_task.setdefault(row.task, {})[row.target] = row.triple
    sample = PairedSample(list(by_task.values()), seed=seed)
    answers = {name: sample.answers(name) for name in dict.fromkeys(row.target for row in rows)}
    disagreements = {name: _disagreeing(rows, name) for name in answers}
    tasks = task_views_by_id(
        a.project, {row.task for sides in disagreements.values() for side in sides for row in side}
    )
    return Comparison(
        a=a,
        b=b,
        n=sample.n,
        primary=sample.difference("macro_f1", list(answers.values()), Answers.macro_f1),
        targets=[
            _target(name, _kind(targets.get(name)), sample, found, disagreements[name], tasks)
            for name, found in answers.items()
        ],
        recorded=_recorded(a, b),
    )


def _rows(a: ModelVersion, b: ModelVersion, renames: Renames) -> list[_Row]:
    """The outcomes of both, by target and task; two queries."""
    of_a, of_b = _outcomes(a, renames), _outcomes(b, renames)
    later = of_b if b.number >= a.number else of_a
    return [
        _Row(
            task=task,
            target=target,
            human=later[target, task][0],
            a=of_a[target, task][1],
            b=of_b[target, task][1],
            score_a=of_a[target, task][2],
            score_b=of_b[target, task][2],
            abstained=any(_has_abstained(*of[target, task]) for of in (of_a, of_b)),
        )
        for target, task in sorted(of_a.keys() & of_b.keys())
    ]


def _targets(version: ModelVersion, renames: Renames) -> dict[str, Target]:
    """By name the version's targets; their labels with today's names, which are not stored."""
    targets = {target.name: target for target in Target.objects.filter(version=version)}
    if renames:
        for target in targets.values():
            target.labels = renames.today_of(target.name, target.labels, version.learned_at)
    return targets


def _outcomes(version: ModelVersion, renames: Renames) -> dict[tuple[str, int], tuple[Any, ...]]:
    """By target and task: human label, prediction, score, whether it is correct."""
    fields = ("target", "task_id", "human", "predicted", "score", "correct")
    rows = Outcome.objects.filter(version=version, source=Outcome.Source.HOLDOUT)
    at = version.learned_at if renames else version.created_at
    return {
        (target, task): (
            renames.today_of(target, human, at),
            renames.today_of(target, predicted, at),
            *others,
        )
        for target, task, human, predicted, *others in rows.values_list(*fields)
    }


def _as_yes_or_no(rows: Sequence[_Row], targets: Mapping[str, Target]) -> list[_Row]:
    """The rows, those of one-label targets with `only`.

    Not those of a multiple choice, where an empty prediction may equal an empty human label.
    """
    only = {
        row.target: target.labels[0]
        for row in rows
        if row.abstained
        and (target := targets.get(row.target)) is not None
        and len(target.labels) == 1
    }
    return [replace(row, only=only.get(row.target)) for row in rows]


def _has_abstained(human: Any, predicted: Any, score: float | None, correct: bool) -> bool:
    """Whether no prediction was counted as correct."""
    return correct and (_labels(predicted) or ()) != (_labels(human) or ())


def _kind(target: Target | None) -> str:
    return target.kind if target else "choice"


def _target(
    name: str,
    kind: str,
    sample: PairedSample,
    answers: Answers,
    disagreements: tuple[list[_Row], list[_Row]],
    tasks: dict[int, TaskView],
) -> TargetComparison:
    n = sample.tasks(answers)
    several = engine().label_type(kind).several
    accuracy = "subset_accuracy" if several else "accuracy"
    metrics = [
        sample.difference("macro_f1", [answers], Answers.macro_f1, n),
        sample.difference(accuracy, [answers], Answers.accuracy, n),
    ]
    if several:
        metrics.append(sample.difference("micro_f1", [answers], Answers.micro_f1, n))
    only_a, only_b = sample.disagreements(answers)
    return TargetComparison(
        target=name,
        kind=kind,
        n=n,
        metrics=metrics,
        per_class=sample.by_label(answers),
        only_a=only_a,
        only_b=only_b,
        p_value=mcnemar(only_a, only_b),
        a_right=[_disagreement(row, tasks[row.task]) for row in disagreements[0]],
        b_right=[_disagreement(row, tasks[row.task]) for row in disagreements[1]],
    )


def _disagreeing(rows: Sequence[_Row], target: str) -> tuple[list[_Row], list[_Row]]:
    """The first rows that only a, and that only b, predicts correctly."""
    of_target = [row for row in rows if row.target == target]
    only_a = [row for row in of_target if row.right == (True, False)]
    only_b = [row for row in of_target if row.right == (False, True)]
    only_a.sort(key=lambda row: -(row.score_b or 0))
    only_b.sort(key=lambda row: -(row.score_a or 0))
    return only_a[:TASKS_SHOWN], only_b[:TASKS_SHOWN]


def _disagreement(row: _Row, task: TaskView) -> Disagreement:
    return Disagreement(row.target, row.human, row.a, row.b, row.score_a, row.score_b, task)


def _recorded(a: ModelVersion, b: ModelVersion) -> list[RecordedMetric]:
    """The whole metrics that either version recorded; one query."""
    primary = {version.pk: version.primary_metric for version in (a, b)}
    found: dict[Measure, dict[int, Metric]] = {}
    whole = Metric.objects.whole().filter(version__in=primary)
    for row in whole.exclude(name__in=NO_ROW).order_by("target", "id"):
        measure = measured(row.target, row.name, row.step, primary[row.version_id])
        found.setdefault(measure, {})[row.version_id] = row
    return [
        RecordedMetric(*measure, *_value(both.get(a.pk)), *_value(both.get(b.pk)))
        for measure, both in found.items()
    ]


def _value(metric: Metric | None) -> tuple[float | None, int]:
    return (metric.value, metric.n) if metric else (None, 0)


def _labels(value: Any) -> Labels | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(sorted(value))
