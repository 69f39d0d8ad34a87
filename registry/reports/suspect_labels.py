"""Labels that look wrong: those that a version contradicts although it had not learned from them.

Confident learning (Northcutt, Jiang, Chuang 2021) with the scores that outcomes have: a label is
suspect if the version predicts another one, and is at least as sure of it as it is on average where
people gave that one too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Avg, Count, Exists, F, OuterRef, Q, QuerySet

from registry.engine import LabelType, engine
from registry.label_renames import Renames
from registry.models import Outcome, Project, Target
from registry.reports.tasks import TaskView, task_views_by_id
from registry.statistics import Proportion

ENOUGH_RIGHT = 5  # correct predictions of the same classes, from which there is a threshold
_MOST = 20_000  # wrong predictions that are read, the surest first
_WHY_NO_THRESHOLD = (
    f"None yet: for no class are there {ENOUGH_RIGHT} correct predictions of tasks that the "
    "version had not learned from."
)
_WHY_NOT_COMPARED = "None: the champion has no labels of whole tasks to compare."
# The columns of a wrong prediction, of its task and of its version.
_COLUMNS = (
    *("target", "source", "predicted", "score", "human", "human_classes", "predicted_classes"),
    *("task_id", "version_id", "at", "task__labels", "task__annotation_ids"),
    *("version__label", "version__run__snapshot_at"),
)
_Key = tuple[str, tuple[str, ...]]  # a target and the predicted classes


@dataclass(frozen=True)
class SuspectLabel:
    """A label beside the prediction that contradicts it, with the version's score for that.

    `threshold` is the mean score of the correct predictions of the same classes. `source` says how
    the task came to be one that the version had not learned from.
    """

    target: str
    human: Any
    predicted: Any
    human_classes: list[str]
    predicted_classes: list[str]
    score: float
    threshold: float
    version: str
    source: str
    task: TaskView


@dataclass(frozen=True)
class SuspectLabels:
    """The page from `offset` on of `count` labels, and how right earlier ones were.

    `changed` are suspect labels of all versions that people have changed since, correct where they
    changed it to the predicted one. `why_none` says why there are none. `left_out` are the targets
    of objects with places: each object has a score, and an image none to compare.
    """

    count: int = 0
    labels: list[SuspectLabel] = field(default_factory=list)
    changed: Proportion = Proportion(0, 0)
    why_none: str = ""
    left_out: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """How often such labels were changed to what the model predicted."""
        changed = self.changed
        if not changed.n:
            return "No label that looked wrong has been changed yet."
        counts = f"{changed.correct} of {changed.n} to what the model predicted"
        if changed.share is None or changed.interval is None:
            return f"People have changed {changed.n} that looked wrong, {counts}."
        low, high = changed.interval
        return (
            f"People have changed {changed.n} that looked wrong, {counts}: {changed.share:.0%} "
            f"(95 % interval {low:.0%} to {high:.0%})."
        )


def suspect_labels(
    project: Project, target: str | None = None, limit: int = 20, offset: int = 0
) -> SuspectLabels:
    """The labels of today that look wrong, the highest score first; six queries.

    Each by the champion's prediction, if it has one of a task that it did not learn from, else by
    what an earlier champion had predicted before the human's first label.
    """
    if project.champion_id is None:
        return SuspectLabels(why_none="None until a version serves: its predictions are compared.")
    types = _label_types(project)
    kinds = {name: found for name, found in types.items() if not found.localized}
    left_out = sorted(types.keys() - kinds.keys())
    names = [name for name in kinds if target in (None, name)]
    outcomes = _latest_predictions(project).filter(target__in=names)
    thresholds = _thresholds(outcomes)
    changed = _changed(project, kinds, names)
    if not thresholds:
        why_none = _WHY_NO_THRESHOLD if kinds else _WHY_NOT_COMPARED
        return SuspectLabels(changed=changed, why_none=why_none, left_out=left_out)
    found = [row for row in _suspects(outcomes, thresholds) if _is_still_so(project, kinds, row)]
    page = found[offset : offset + limit]
    tasks = task_views_by_id(project, {row.task_id for row in page})
    labels = [_label(row, thresholds, tasks) for row in page if row.task_id in tasks]
    why_none = "" if found else "None: no label is contradicted with enough confidence."
    return SuspectLabels(len(found), labels, changed, why_none, left_out)


def _label_types(project: Project) -> dict[str, LabelType]:
    """The label types of the champion's trained targets."""
    targets = Target.objects.filter(version=project.champion_id, trained=True)
    return {name: engine().label_type(kind) for name, kind in targets.values_list("name", "kind")}


def _latest_predictions(project: Project) -> QuerySet[Outcome]:
    """The champion's predictions, and those of tasks for which an earlier one alone has one."""
    own = Outcome.objects.exclude(source=Outcome.Source.SHOWN).filter(
        version=project.champion_id, task=OuterRef("task"), target=OuterRef("target")
    )
    earlier = Q(source=Outcome.Source.PREQUENTIAL, version__project=project) & ~Exists(own)
    return _independent_predictions().filter(Q(version=project.champion_id) | earlier)


def _independent_predictions() -> QuerySet[Outcome]:
    """Predictions with a score that did not influence the label, of tasks that still exist."""
    return Outcome.objects.exclude(source=Outcome.Source.SHOWN).filter(
        task__deleted_at__isnull=True, score__isnull=False, predicted_classes__isnull=False
    )


def _thresholds(outcomes: QuerySet[Outcome]) -> dict[_Key, float]:
    """By target and predicted classes the mean score of the correct predictions, if enough."""
    rows = (
        outcomes.filter(correct=True)
        .values("target", "predicted_classes")
        .annotate(mean=Avg("score"), n=Count("id"))
        .filter(n__gte=ENOUGH_RIGHT)
        .order_by()
    )
    return {_key(row["target"], row["predicted_classes"]): row["mean"] for row in rows}


def _key(target: str, classes: Sequence[str] | None) -> _Key:
    return target, tuple(classes or ())


def _suspects(outcomes: QuerySet[Outcome], thresholds: Mapping[_Key, float]) -> Iterator[Outcome]:
    """The wrong predictions above their threshold, one for each task and target."""
    wrong = outcomes.filter(correct=False).select_related("task", "version__run")
    once = set()
    for row in wrong.only(*_COLUMNS).order_by("-score", "-id")[:_MOST]:
        threshold = thresholds.get(_key(row.target, row.predicted_classes))
        if threshold is None or row.score is None or row.score < threshold:
            continue
        if (row.task_id, row.target) not in once:
            once.add((row.task_id, row.target))
            yield row


def _is_still_so(project: Project, kinds: Mapping[str, LabelType], row: Outcome) -> bool:
    """Whether the task's label is the one that was contradicted."""
    now, human, _ = _values(project, kinds[row.target], row)
    return now is not None and now == human


def _values(project: Project, label_type: LabelType, row: Outcome) -> tuple[Any, Any, Any]:
    """The label of today, that of then and the prediction, under the names of today; as JSON."""
    renames = Renames(project.label_renames)
    names = renames.names(row.target, row.version.learned_at) if renames else {}
    then, predicted = (
        label_type.to_json(label_type.renamed(label_type.from_json(value), names))
        for value in (row.human, row.predicted)
    )
    return row.task.labels.get(row.target), then, predicted


def _changed(project: Project, kinds: Mapping[str, LabelType], names: Sequence[str]) -> Proportion:
    """Of the suspect labels of all versions that were changed since, those that were wrong."""
    outcomes = _independent_predictions().filter(version__project=project, target__in=names)
    thresholds = _thresholds(outcomes)
    if not thresholds:
        return Proportion(0, 0)
    since = outcomes.filter(task__labels_changed_at__gt=F("at"))
    right = []
    for row in _suspects(since, thresholds):
        label_type = kinds[row.target]
        now, then, predicted = _values(project, label_type, row)
        if now is not None and now != then:
            right.append(label_type.is_correct(*map(label_type.from_json, (predicted, now))))
    return Proportion(len(right), sum(right))


def _label(
    row: Outcome, thresholds: Mapping[_Key, float], tasks: Mapping[int, TaskView]
) -> SuspectLabel:
    return SuspectLabel(
        target=row.target,
        human=row.human,
        predicted=row.predicted,
        human_classes=row.human_classes,
        predicted_classes=list(row.predicted_classes or ()),
        score=row.score or 0.0,
        threshold=thresholds[_key(row.target, row.predicted_classes)],
        version=row.version.label,
        source=row.source,
        task=tasks[row.task_id],
    )
