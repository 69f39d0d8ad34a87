"""How the annotators of a project agree with each other, and each with the champion."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import orjson

from registry.engine import AnnotatorLabel, LabelType, engine
from registry.models import Outcome, Project, Task
from registry.statistics import Proportion, krippendorff_alpha

_MOST = 2_000  # tasks whose annotations are read, those whose labels changed last


@dataclass(frozen=True)
class AnnotatorAgreement:
    """An annotator, by Label Studio's id: labels, and how often they are those of others.

    `with_others` counts pairs of labels of one task; `with_champion` the tasks that the champion
    predicted without having learned from them, and without having shown it.
    """

    annotator: int
    labels: int
    with_others: Proportion
    with_champion: Proportion


@dataclass(frozen=True)
class TargetAgreement:
    """The annotators of a control. `tasks` have labels of two or more of them, in `pairs`.

    `alpha` is Krippendorff's: 1 for agreement, 0 for chance; None where it is undefined, and for
    objects with places.
    """

    target: str
    tasks: int
    pairs: Proportion
    alpha: float | None
    annotators: list[AnnotatorAgreement]


@dataclass(frozen=True)
class Agreement:
    """The targets, and how many tasks were read: the `limit` that changed last at most."""

    read: int = 0
    limit: int = _MOST
    targets: list[TargetAgreement] = field(default_factory=list)


def agreement(project: Project) -> Agreement:
    """Of the tasks whose labels changed last; two queries."""
    annotated = Task.objects.filter(
        project=project, deleted_at__isnull=True, labels_changed_at__isnull=False
    ).exclude(annotation_ids=[])
    # The tasks of one batch changed at one time.
    newest = annotated.only("data", "annotations").order_by("-labels_changed_at", "-pk")
    tasks = list(newest[:_MOST])
    labels: dict[str, dict[int, list[AnnotatorLabel]]] = defaultdict(dict)
    for task, found in zip(tasks, engine().annotator_labels(project, tasks), strict=True):
        for label in found:
            labels[label.control].setdefault(task.pk, []).append(label)
    predicted = _predictions(project, [task.pk for task in tasks])
    targets = [
        _target(control, by_task, predicted.get(control, {}))
        for control, by_task in sorted(labels.items())
    ]
    return Agreement(len(tasks), _MOST, targets)


def _predictions(project: Project, tasks: Sequence[int]) -> dict[str, dict[int, Any]]:
    """The champion's by control and task, those that it made without knowledge of the label."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    if project.champion_id is None:
        return found
    outcomes = Outcome.objects.filter(version=project.champion_id, task__in=tasks)
    unseen = outcomes.exclude(source=Outcome.Source.SHOWN).order_by("id")
    for target, task, value in unseen.values_list("target", "task", "predicted"):
        found[target][task] = value
    return found


def _target(
    control: str, by_task: Mapping[int, Sequence[AnnotatorLabel]], predicted: Mapping[int, Any]
) -> TargetAgreement:
    label_type = engine().label_type(next(iter(by_task.values()))[0].kind)
    labels: dict[int, int] = defaultdict(int)
    others: dict[int, list[bool]] = defaultdict(list)
    champion: dict[int, list[bool]] = defaultdict(list)
    pairs = []
    for task, of_task in by_task.items():
        for label in of_task:
            labels[label.annotator] += 1
            if task in predicted:
                champion[label.annotator].append(_agree(label_type, predicted[task], label.value))
        for a, b in combinations(of_task, 2):
            agreed = _agree(label_type, a.value, b.value)
            pairs.append(agreed)
            others[a.annotator].append(agreed)
            others[b.annotator].append(agreed)
    return TargetAgreement(
        target=control,
        tasks=sum(len(of_task) > 1 for of_task in by_task.values()),
        pairs=_proportion(pairs),
        alpha=None if label_type.localized else krippendorff_alpha(_values(by_task.values())),
        annotators=[
            AnnotatorAgreement(
                annotator,
                labels[annotator],
                _proportion(others[annotator]),
                _proportion(champion[annotator]),
            )
            for annotator in sorted(labels, key=lambda one: (-labels[one], one))
        ],
    )


def _agree(label_type: LabelType, first: Any, second: Any) -> bool:
    """Whether two stored values count as equal; None, no value, does not."""
    if first is None:
        return False
    return label_type.is_correct(*map(label_type.from_json, (first, second)))


def _values(tasks: Iterable[Sequence[AnnotatorLabel]]) -> Iterator[list[Hashable]]:
    return ([orjson.dumps(label.value) for label in of_task] for of_task in tasks)


def _proportion(agreed: Sequence[bool]) -> Proportion:
    return Proportion(len(agreed), sum(agreed))
