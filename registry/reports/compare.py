"""The comparison of two versions on the tasks that both were evaluated on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.engine import LabelType, engine
from registry.label_renames import Renames
from registry.metrics import NO_ROW, Measure, measured, title
from registry.models import Metric, ModelVersion, Outcome, Target
from registry.reports.paired_sample import (
    PRIMARY,
    Difference,
    PairedSample,
    TargetColumns,
    TargetValue,
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
    human_classes: list[str]
    classes_a: list[str] | None
    classes_b: list[str] | None
    score_a: float | None
    score_b: float | None
    task: TaskView


@dataclass(frozen=True)
class ComparedTarget:
    """A target that both versions are trained for. `metrics` are those of its label type.

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
class VersionComparison:
    """`b` beside `a`: differences are b - a.

    `primary` is the unweighted mean over the targets of both, each by its label type's metric, on
    the `n` tasks that both were evaluated on; its values are None without such tasks.
    """

    a: ModelVersion
    b: ModelVersion
    n: int
    primary: Difference
    targets: list[ComparedTarget]
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

    `abstained`: at least one of them was counted as correct without the human's label. With
    `only`, a label, the values count as that label or not, and no prediction as not.
    """

    task: int
    target: str
    label_type: LabelType
    human: TargetValue
    a: TargetValue | None
    b: TargetValue | None
    score_a: float | None
    score_b: float | None
    abstained: bool
    only: str | None = None

    @property
    def right(self) -> tuple[bool, bool]:
        human, *predicted = (
            None if value is None else self.label_type.from_json(value.content)
            for value in self.triple
        )
        a, b = (self.label_type.is_correct(one, human) for one in predicted)
        return a, b

    @property
    def triple(self) -> Triple:
        if self.only is None:
            return self.human, self.a, self.b
        human, a, b = (
            self.only if value and self.only in value.classes else f"not {self.only}"
            for value in (self.human, self.a, self.b)
        )
        return TargetValue.of(human, [human]), TargetValue.of(a, [a]), TargetValue.of(b, [b])


def compare(a: ModelVersion, b: ModelVersion, *, seed: int = 0) -> VersionComparison:
    """Compare two versions of a project; five queries, and one for the versions' project.

    Where the human label changed between the evaluations, the later version's holds for both.
    Labels that were renamed since are compared by their names of today.
    Raises ValueError for versions of two projects.
    """
    if a.project_id != b.project_id:
        raise ValueError("Versions of two projects have no task in common.")
    renames = Renames(a.project.label_renames)
    targets = _targets(b, renames)
    rows = _as_yes_or_no(_rows(a, b, targets, renames), targets)
    by_task: dict[int, dict[str, Triple]] = {}
    for row in rows:
        by_task.setdefault(row.task, {})[row.target] = row.triple
    sample = PairedSample(list(by_task.values()), seed=seed)
    types = {row.target: row.label_type for row in rows}
    columns = {name: sample.columns(name, label_type) for name, label_type in types.items()}
    metrics = {label_type.metric for label_type in types.values()} or {"macro_f1"}
    disagreements = {name: _disagreeing(rows, name) for name in columns}
    tasks = task_views_by_id(
        a.project, {row.task for sides in disagreements.values() for side in sides for row in side}
    )
    return VersionComparison(
        a=a,
        b=b,
        n=sample.n,
        primary=sample.difference(
            metrics.pop() if len(metrics) == 1 else PRIMARY, list(columns.values())
        ),
        targets=[
            _target(name, _kind(targets.get(name)), sample, found, disagreements[name], tasks)
            for name, found in columns.items()
        ],
        recorded=_recorded(a, b),
    )


def _rows(
    a: ModelVersion, b: ModelVersion, targets: Mapping[str, Target], renames: Renames
) -> list[_Row]:
    """The outcomes of both, by target and task; two queries."""
    of_a, of_b = (
        {
            (outcome.target, outcome.task_id): outcome
            for outcome in Outcome.objects.filter(version=version, source=Outcome.Source.HOLDOUT)
        }
        for version in (a, b)
    )
    later = b if b.number >= a.number else a
    found = []
    for target, task in sorted(of_a.keys() & of_b.keys()):
        label_type = engine().label_type(_kind(targets.get(target)))
        at_a, at_b = of_a[target, task], of_b[target, task]
        names_a, names_b = (_names(version, target, renames) for version in (a, b))
        human = at_b if later is b else at_a
        names = names_b if later is b else names_a
        found.append(
            _Row(
                task=task,
                target=target,
                label_type=label_type,
                human=_target_value(label_type, human.human, human.human_classes, names),
                a=_prediction(label_type, at_a, names_a),
                b=_prediction(label_type, at_b, names_b),
                score_a=at_a.score,
                score_b=at_b.score,
                abstained=_has_abstained(at_a) or _has_abstained(at_b),
            )
        )
    return found


def _names(version: ModelVersion, target: str, renames: Renames) -> Mapping[str, str]:
    """What labels that the version knew are called today."""
    return renames.names(target, version.learned_at) if renames else {}


def _prediction(
    label_type: LabelType, outcome: Outcome, names: Mapping[str, str]
) -> TargetValue | None:
    if outcome.predicted_classes is None:
        return None
    return _target_value(label_type, outcome.predicted, outcome.predicted_classes, names)


def _target_value(
    label_type: LabelType, stored: Any, classes: Sequence[str], names: Mapping[str, str]
) -> TargetValue:
    if not names:
        return TargetValue.of(stored, classes)
    value = label_type.to_json(label_type.renamed(label_type.from_json(stored), names))
    return TargetValue.of(value, sorted({names.get(label, label) for label in classes}))


def _targets(version: ModelVersion, renames: Renames) -> dict[str, Target]:
    """By name the version's targets; their labels with today's names, which are not stored."""
    targets = {target.name: target for target in Target.objects.filter(version=version)}
    if renames:
        for target in targets.values():
            names = renames.names(target.name, version.learned_at)
            target.labels = sorted({names.get(label, label) for label in target.labels})
    return targets


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
    return [
        replace(row, only=only[row.target], label_type=engine().label_type(_ONE))
        if row.target in only
        else row
        for row in rows
    ]


def _has_abstained(outcome: Outcome) -> bool:
    """Whether no prediction was counted as correct."""
    return outcome.correct and (outcome.predicted_classes or []) != outcome.human_classes


_ONE = "choice"  # the label type of one label


def _kind(target: Target | None) -> str:
    return target.kind if target else _ONE


def _target(
    name: str,
    kind: str,
    sample: PairedSample,
    columns: TargetColumns,
    disagreements: tuple[list[_Row], list[_Row]],
    tasks: dict[int, TaskView],
) -> ComparedTarget:
    n = sample.tasks(columns)
    metrics = [sample.difference(name, [columns], n) for name in columns.scores["a"]]
    only_a, only_b = sample.disagreements(columns)
    return ComparedTarget(
        target=name,
        kind=kind,
        n=n,
        metrics=metrics,
        per_class=sample.by_label(columns),
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
    return Disagreement(
        target=row.target,
        human=row.human.content,
        a=row.a and row.a.content,
        b=row.b and row.b.content,
        human_classes=list(row.human.classes),
        classes_a=list(row.a.classes) if row.a else None,
        classes_b=list(row.b.classes) if row.b else None,
        score_a=row.score_a,
        score_b=row.score_b,
        task=task,
    )


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
