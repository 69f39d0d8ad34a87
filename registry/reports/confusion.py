"""Confusion matrices of a version's targets: counts by human label and prediction."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet

from registry.engine import LabelType, engine
from registry.models import ModelVersion, Outcome, Target

NO_ANSWER = ""
# The classes of human label and prediction, and how many tasks have them.
_Pair = tuple[list[str], list[str] | None, int]
_UNKNOWN = "choice"  # the kind of a target that the version does not have


@dataclass(frozen=True)
class LabelTable:
    """A label of a target with several: counts by human label and prediction."""

    label: str
    both: int
    human_only: int
    model_only: int
    neither: int


@dataclass(frozen=True)
class Confusion:
    """`counts[human][predicted]`, by their places in `labels`, where a value is one label.

    Where it has several, `tables` has a two-by-two table for each label instead; where those are
    of objects with places, `counts` are of objects (`of_objects`), and the empty label is the
    background. `labels` are the version's, then others among human labels and predictions, and last
    the empty one for no prediction or no human label. `n` is the number of tasks.
    """

    target: str
    kind: str
    labels: list[str]
    counts: list[list[int]] = field(default_factory=list)
    tables: list[LabelTable] = field(default_factory=list)
    n: int = 0
    of_objects: bool = False


def confusion(
    version: ModelVersion, target: str | Target, source: str = Outcome.Source.HOLDOUT
) -> Confusion:
    """The target's confusion; one query, grouped by the database, and one for a target's name."""
    if isinstance(target, str):
        named = Target.objects.filter(version=version, name=target)
        target = named.first() or Target(name=target, kind=_UNKNOWN)
    name, kind, labels = target.name, str(target.kind), target.labels
    label_type = engine().label_type(kind)
    if label_type.localized:
        both = outcomes(version, name, source).values_list("human", "predicted")
        pairs_of_each = [_object_pairs(label_type, *one) for one in both]
        return _objects(name, kind, labels, pairs_of_each)
    rows = (
        outcomes(version, name, source)
        .values_list("human_classes", "predicted_classes")
        .annotate(n=Count("*"))
        .order_by()
    )
    pairs = [(human, predicted, n) for human, predicted, n in rows]
    if label_type.several:
        return _multiple(name, kind, labels, pairs)
    return _single(name, kind, labels, pairs)


def outcomes(
    version: ModelVersion, target: str, source: str = Outcome.Source.HOLDOUT
) -> QuerySet[Outcome]:
    """The outcomes that a confusion counts; by the index `outcome_of_version`."""
    return Outcome.objects.filter(version=version, target=target, source=source)


def with_prediction(outcomes: QuerySet[Outcome], predicted: str) -> QuerySet[Outcome]:
    """The outcomes of a one-label target with this prediction; NO_ANSWER: without one."""
    if predicted == NO_ANSWER:
        return outcomes.filter(predicted_classes__isnull=True)
    return outcomes.filter(predicted_classes=[predicted])


def with_human(outcomes: QuerySet[Outcome], human: str) -> QuerySet[Outcome]:
    """The outcomes of a one-label target with this human label; NO_ANSWER: without one."""
    return outcomes.filter(human_classes=[] if human == NO_ANSWER else [human])


def in_label_cell(
    outcomes: QuerySet[Outcome], label: str, *, human: bool, predicted: bool
) -> QuerySet[Outcome]:
    """The outcomes in one of the four cells of a label of a target with several."""
    by_human, by_model = (
        {"human_classes__contains": [label]},
        {"predicted_classes__contains": [label]},
    )
    outcomes = outcomes.filter(**by_human) if human else outcomes.exclude(**by_human)
    return outcomes.filter(**by_model) if predicted else outcomes.exclude(**by_model)


def in_object_cell(
    outcomes: QuerySet[Outcome], label_type: LabelType, human: str | None, predicted: str | None
) -> QuerySet[Outcome]:
    """The outcomes with an object in a cell of a `localized` label type; None: any.

    Compared here, because the database knows no places.
    """
    found = outcomes.values_list("pk", "human", "predicted")
    return outcomes.filter(
        pk__in=[
            pk
            for pk, *values in found
            if any(
                human in (None, of_human) and predicted in (None, of_model)
                for of_human, of_model in _object_pairs(label_type, *values)
            )
        ]
    )


def _object_pairs(label_type: LabelType, human: Any, predicted: Any) -> list[tuple[str, str]]:
    drawn = None if predicted is None else label_type.from_json(predicted)
    return label_type.pairs(drawn, label_type.from_json(human))


def _objects(
    target: str, kind: str, learned: list[str], tasks: list[list[tuple[str, str]]]
) -> Confusion:
    cells = Counter(pair for pairs in tasks for pair in pairs)
    others = sorted({label for pair in cells for label in pair} - {*learned, NO_ANSWER})
    labels = [*learned, *others, NO_ANSWER]
    counts = [[cells[human, predicted] for predicted in labels] for human in labels]
    return Confusion(target, kind, labels, counts=counts, n=len(tasks), of_objects=True)


def _single(target: str, kind: str, learned: list[str], pairs: list[_Pair]) -> Confusion:
    cells: Counter[tuple[str, str]] = Counter()
    for human, predicted, n in pairs:
        cells[_only(human), _only(predicted)] += n
    others = sorted({label for pair in cells for label in pair} - {*learned, NO_ANSWER})
    unanswered = any(NO_ANSWER in pair for pair in cells)
    labels = [*learned, *others, *([NO_ANSWER] if unanswered else [])]
    counts = [[cells[human, predicted] for predicted in labels] for human in labels]
    return Confusion(target, kind, labels, counts=counts, n=cells.total())


def _multiple(target: str, kind: str, learned: list[str], pairs: list[_Pair]) -> Confusion:
    n = sum(count for *_, count in pairs)
    human_labels: Counter[str] = Counter()
    predictions: Counter[str] = Counter()
    both: Counter[str] = Counter()
    for human, predicted, count in pairs:
        humans, model = set(human), set(predicted or ())
        for counter, held in ((human_labels, humans), (predictions, model), (both, humans & model)):
            counter.update(dict.fromkeys(held, count))
    labels = [*learned, *sorted({*human_labels, *predictions} - set(learned))]
    tables = [
        LabelTable(
            label,
            both=both[label],
            human_only=human_labels[label] - both[label],
            model_only=predictions[label] - both[label],
            neither=n - human_labels[label] - predictions[label] + both[label],
        )
        for label in labels
    ]
    return Confusion(target, kind, labels, tables=tables, n=n)


def _only(classes: list[str] | None) -> str:
    return classes[0] if classes else NO_ANSWER
