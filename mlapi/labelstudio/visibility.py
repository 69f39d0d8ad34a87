"""Which controls the editor shows, by what is chosen in others.

The rules of `VisibilityMixin` of Label Studio 1.23's editor, and of what it submits
(`canBeSubmitted`): `visibleWhen` with `whenTagName` and `whenChoiceValue`, of a control and of
every View above it. The one place that has them: a hidden control has no label in an annotation,
no region in a prediction and no part in a score or a metric.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from xml.etree.ElementTree import Element

from mlapi import label_types
from mlapi.domain import Condition, NoPrediction, Prediction
from mlapi.label_types.regions import label_of
from mlapi.labelstudio.elements import text_of

CHOSEN = ("Choices", "Taxonomy")  # the tags in which something can be chosen
_HIDEABLE = ("View", "Choices", "Taxonomy", "TextArea", "Markdown")


class Conditional(Protocol):
    """A control, or a target, which is one."""

    @property
    def name(self) -> str: ...

    @property
    def conditions(self) -> tuple[Condition, ...]: ...


def shown(controls: Iterable[Conditional], chosen: Mapping[str, Collection[str]]) -> set[str]:
    """The names of the controls that are shown, given the labels that are chosen in each.

    What is chosen in a hidden control does not count, nor what is in one that waits for itself.
    """
    conditions = {control.name: control.conditions for control in controls}
    found: dict[str, bool] = {}

    def is_chosen(name: str, labels: tuple[str, ...] | None) -> bool:
        said = chosen.get(name, ())
        has = bool(said) if labels is None else not set(labels).isdisjoint(said)
        return has and found.get(name, name not in conditions)

    def holds(name: str, condition: Condition) -> bool:
        others = condition.controls or [other for other in chosen if other != name]
        return any(is_chosen(o, condition.labels) for o in others) != condition.negated

    for name in _in_order(conditions):
        found[name] = all(holds(name, condition) for condition in conditions[name])
    return {name for name, is_shown in found.items() if is_shown}


def visible_answers(
    answers: Mapping[str, Prediction | NoPrediction], controls: Iterable[Conditional]
) -> dict[str, Prediction | NoPrediction]:
    """The answers of the controls that the editor shows with these answers."""
    chosen = {
        name: label_types.classes_of(answer)
        for name, answer in answers.items()
        if isinstance(answer, Prediction)
    }
    shown_now = shown(controls, chosen)
    return {name: answer for name, answer in answers.items() if name in shown_now}


def _in_order(conditions: Mapping[str, tuple[Condition, ...]]) -> Iterator[str]:
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


def needs_region(element: Element) -> bool:
    """Whether the tag shows its content only while a region is selected."""
    return element.tag in _HIDEABLE and element.get("visiblewhen") == "region-selected"


class Conditions:
    """Reads conditions; `choices` are the Choices by control, each after those that contain it."""

    def __init__(
        self, choices: Mapping[str, Sequence[tuple[Element, ...]]], tags: Mapping[str, str]
    ) -> None:
        # By what a condition may call a choice, and by control, the labels that it means.
        self._labels: dict[str, dict[str, list[str]]] = {}
        for control, paths in choices.items():
            ends: dict[str, list[str]] = {}
            for path in paths:
                ends.setdefault(text_of(path[-1]), []).append(label_of(map(text_of, path)))
            for path in paths:
                # Of a Taxonomy the end of a path decides, wherever it is.
                alike = ends[text_of(path[-1])]
                means = alike if tags[control] == "Taxonomy" else [label_of(map(text_of, path))]
                for called in (path[-1].get("alias"), path[-1].get("value")):
                    if called:
                        self._labels.setdefault(called, {}).setdefault(control, means)

    def of(self, place: Sequence[Element]) -> tuple[Condition, ...]:
        """The conditions of a control: its own, and those of the tags that contain it."""
        found = (self._read(element) for element in place if element.tag in _HIDEABLE)
        return tuple(dict.fromkeys(c for c in found if c is not None))

    def _read(self, element: Element) -> Condition | None:
        when, control = element.get("visiblewhen"), element.get("whentagname")
        value = element.get("whenchoicevalue")
        if not when:
            return Condition(labels=(value,)) if value else None
        if when not in ("choice-selected", "choice-unselected"):
            return None
        negated = when == "choice-unselected"
        if not value:
            return Condition((control,) if control else (), None, negated)
        meant = [self._labels.get(one, {}) for one in value.split(",")]
        found = (
            label
            for by_control in meant
            for name, labels in by_control.items()
            if control in (None, "", name)
            for label in labels
        )
        return Condition((control,) if control else (), tuple(dict.fromkeys(found)), negated)
