"""Reads under which conditions a label config shows its controls.

`visibleWhen` with `whenTagName` and `whenChoiceValue`, of a control and of every View above it, as
Label Studio 1.23's editor reads them.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from xml.etree.ElementTree import Element

from mlapi.domain import Condition
from mlapi.label_types.regions import label_of
from mlapi.labelstudio.elements import InvalidLabelConfig, text_of

# Of all controls together, each condition with its labels; people write some hundreds.
MAX_CONDITIONS = 200_000
_HIDEABLE = ("View", "Choices", "Taxonomy", "TextArea", "Markdown")


def needs_region(element: Element) -> bool:
    """Whether the tag shows its content only while a region is selected."""
    return element.tag in _HIDEABLE and element.get("visiblewhen") == "region-selected"


class Conditions:
    """Reads conditions; `choices` are the Choices by control, each after those that contain it.

    Raises InvalidLabelConfig where the controls have too many of them together.
    """

    def __init__(
        self, choices: Mapping[str, Sequence[tuple[Element, ...]]], tags: Mapping[str, str]
    ) -> None:
        # By what a condition may call a choice, the labels that it means: by control, and in all.
        self._labels: dict[str, dict[str, list[str]]] = {}
        self._labels_in_all: dict[str, dict[str, None]] = {}
        self._read_before: dict[Element, Condition | None] = {}
        self._size = 0
        for control, paths in choices.items():
            ends: dict[str, list[str]] = {}
            for path in paths:
                ends.setdefault(text_of(path[-1]), []).append(label_of(map(text_of, path)))
            for path in paths:
                # Of a Taxonomy the end of a path decides, wherever it is.
                alike = ends[text_of(path[-1])]
                means = alike if tags[control] == "Taxonomy" else [label_of(map(text_of, path))]
                for called in (path[-1].get("alias"), path[-1].get("value")):
                    if called and control not in self._labels.setdefault(called, {}):
                        self._labels[called][control] = means
                        self._labels_in_all.setdefault(called, {}).update(dict.fromkeys(means))

    def of(self, place: Sequence[Element]) -> tuple[Condition, ...]:
        """The conditions of a control: its own, and those of the tags that contain it."""
        read = (self._read_once(element) for element in place if element.tag in _HIDEABLE)
        found = tuple(condition for condition in read if condition is not None)
        self._size += sum(1 + len(condition.labels or ()) for condition in found)
        if self._size > MAX_CONDITIONS:
            raise InvalidLabelConfig("The label config has too many conditions (visibleWhen).")
        return found

    def _read_once(self, element: Element) -> Condition | None:
        """A View's conditions are those of each control in it."""
        if element not in self._read_before:
            self._read_before[element] = self._read(element)
        return self._read_before[element]

    def _read(self, element: Element) -> Condition | None:
        when, control = element.get("visiblewhen"), element.get("whentagname")
        value = element.get("whenchoicevalue")
        if not when:
            return Condition(labels=(value,)) if value else None
        if when not in ("choice-selected", "choice-unselected"):
            return None
        controls, negated = (control,) if control else (), when == "choice-unselected"
        # Without whenTagName the editor shows a View by any choice, whatever its whenChoiceValue.
        if not value or (not control and element.tag == "View"):
            return Condition(controls, None, negated)
        meant = (
            self._labels.get(one, {}).get(control, ())
            if control
            else self._labels_in_all.get(one, ())
            for one in value.split(",")
        )
        return Condition(controls, tuple(dict.fromkeys(chain.from_iterable(meant))), negated)
