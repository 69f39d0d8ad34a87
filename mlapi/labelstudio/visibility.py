"""Which controls the editor shows, by what is chosen in others.

The rules of `VisibilityMixin` of Label Studio 1.23's editor, and of what it submits
(`canBeSubmitted`). The one place that has them: a hidden control has no label in an annotation,
no region in a prediction and no part in a score or a metric.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from mlapi import label_types
from mlapi.domain import Condition, NoPrediction, Prediction


class Conditional(Protocol):
    """A control, or a target, which is one."""

    @property
    def name(self) -> str: ...

    @property
    def conditions(self) -> tuple[Condition, ...]: ...

    @property
    def has_choices(self) -> bool: ...


def visible_controls(
    controls: Iterable[Conditional], chosen: Mapping[str, Collection[str]]
) -> set[str]:
    """The names of the controls that the editor shows, given the labels chosen in each.

    What is chosen in a hidden control does not count, nor what is in one that waits for itself,
    nor the value of a control without choices.
    """
    rules = _rules(tuple((c.name, c.conditions, c.has_choices) for c in controls))
    found = set(rules.always)

    def is_chosen(name: str, labels: frozenset[str] | None) -> bool:
        values = () if name in rules.without_choices else chosen.get(name, ())
        has = bool(values) if labels is None else not labels.isdisjoint(values)
        return has and (name in found or name not in rules.conditional)

    def holds(name: str, rule: _Rule) -> bool:
        others = rule.controls or [other for other in chosen if other != name]
        return any(is_chosen(other, rule.labels) for other in others) != rule.negated

    for name, own in rules.conditional.items():
        if all(holds(name, rule) for rule in own):
            found.add(name)
    return found


def visible_answers(
    answers: Mapping[str, Prediction | NoPrediction], controls: Iterable[Conditional]
) -> dict[str, Prediction | NoPrediction]:
    """The answers of the controls that the editor shows with these answers."""
    chosen = {
        name: label_types.classes_of(answer)
        for name, answer in answers.items()
        if isinstance(answer, Prediction)
    }
    visible = visible_controls(controls, chosen)
    return {name: answer for name, answer in answers.items() if name in visible}


@dataclass(frozen=True)
class _Rule:
    """A condition, with its labels as a set."""

    controls: tuple[str, ...]
    labels: frozenset[str] | None
    negated: bool


@dataclass(frozen=True)
class _Rules:
    """The conditions of a label config's controls, each control after those it depends on."""

    always: frozenset[str]
    conditional: dict[str, tuple[_Rule, ...]]
    without_choices: frozenset[str]


@lru_cache(maxsize=128)
def _rules(controls: tuple[tuple[str, tuple[Condition, ...], bool], ...]) -> _Rules:
    """Compiled once per label config, because they are applied to each task and annotation."""
    conditions = {name: of_one for name, of_one, _ in controls}
    return _Rules(
        frozenset(name for name, of_one in conditions.items() if not of_one),
        {
            name: tuple(map(_rule, own))
            for name in in_order(conditions)
            if (own := conditions[name])
        },
        frozenset(name for name, _, has_choices in controls if not has_choices),
    )


def _rule(condition: Condition) -> _Rule:
    labels = None if condition.labels is None else frozenset(condition.labels)
    return _Rule(condition.controls, labels, condition.negated)


def in_order(conditions: Mapping[str, tuple[Condition, ...]]) -> Iterator[str]:
    """The controls, each after those that it depends on; last those that depend on any other."""
    begun: set[str] = set()
    done: set[str] = set()
    after_all = {name for name, all_ in conditions.items() if any(not c.controls for c in all_)}
    for first in sorted(conditions, key=lambda name: name in after_all):
        stack = [first]
        while stack:
            name = stack[-1]
            if name in begun:
                stack.pop()
                if name not in done:
                    done.add(name)
                    yield name
                continue
            begun.add(name)
            needed = (other for c in conditions[name] for other in c.controls)
            stack.extend(other for other in needed if other in conditions and other not in begun)
