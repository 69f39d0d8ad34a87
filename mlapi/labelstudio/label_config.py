"""Parses a label config: its control tags, their labels, and the objects they are on.

The rules are those of Label Studio 1.23's editor and of label-studio-sdk's parser: a control
is any tag with `name` and `toName`, an object any other tag with `name` and `value`. They are
not parsed with the SDK itself because its parser resolves entities and recurses.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from mlapi.domain import InputError
from registry.errors import HttpError

MAX_CHARACTERS = 2_000_000
MAX_TAGS = 50_000
MAX_DEPTH = 200
MAX_NAME = 255  # as it is stored; of a control, an object, and the field that it shows

_LABEL_TAGS = {"Label", "Choice", "Relation"}
_NOT_CONTROLS = {"Filter"}
# The editor's own pattern for a reference to the task's data, without its brackets.
_PLAIN_FIELD = re.compile(rf"\$([\w.]{{1,{MAX_NAME}}})", re.ASCII)
_REFERENCE = re.compile(r"\$[\w[\].{}]+", re.ASCII)
_PATH = " / "  # between the words of a Taxonomy's path
_CHOICES = ("single", "single-radio", "multiple")


class InvalidLabelConfig(HttpError):
    """Not a valid label config. The message is one ASCII line without text of the config."""

    code = "label_config_invalid"
    text = "The label config is not valid."


@dataclass(frozen=True)
class Tag:
    """A control or object tag."""

    name: str
    tag: str
    attrs: Mapping[str, str] = field(hash=False)

    def attr(self, name: str, default: str = "") -> str:
        """An attribute by name, case-insensitively, as the editor reads it."""
        if name in self.attrs:
            return self.attrs[name]
        lower = name.lower()
        return next((v for k, v in self.attrs.items() if k.lower() == lower), default)

    def is_on(self, name: str) -> bool:
        """Whether a boolean attribute is set."""
        return self.attr(name).strip().lower() == "true"


@dataclass(frozen=True)
class Control(Tag):
    """A control tag.

    `labels` are the texts that the editor writes into a result: the alias, else the value.
    A `nested` control's results are paths instead of labels, a `dynamic` one's labels come with
    each task. `choice` is "" for another tag than Choices. For a Taxonomy `paths` are the paths
    of a result by label (`label_of`).
    """

    to_name: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    per_region: bool = False
    per_item: bool = False
    nested: bool = False
    dynamic: bool = False
    choice: str = ""
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


def label_of(path: Sequence[str]) -> str:
    """A Taxonomy's path as one label."""
    return _PATH.join(path)


@dataclass(frozen=True)
class ObjectTag(Tag):
    """An object tag; `field` is the key in the task's data, None without a plain `$field`."""

    field: str | None = None

    @property
    def value_type(self) -> str:
        """`valueType` in lower case: "url" where the data is an address of the content."""
        return self.attr("valueType").strip().lower()


@dataclass(frozen=True)
class LabelConfig:
    """A parsed label config: controls in document order, objects by name."""

    controls: tuple[Control, ...] = ()
    objects: Mapping[str, ObjectTag] = field(default_factory=dict, hash=False)

    def control(self, name: str) -> Control | None:
        """The control tag of that name."""
        return next((c for c in self.controls if c.name == name), None)


def value_of(task_data: Any, field: str) -> Any:
    """The value of the field in a task's data. Raises InputError `field_missing` or `null`."""
    value = _value(task_data, field)
    if value is None:
        raise InputError("null", f"The field {field!r} is null.")
    return value


@lru_cache(maxsize=128)
def parse(xml: str) -> LabelConfig:
    """Parse a label config, once per text.

    Raises InvalidLabelConfig if it is not XML, has a document type or entities, exceeds the
    limits above, or has two tags of one name, which Label Studio refuses as well.
    """
    controls: dict[str, Control] = {}
    objects: dict[str, ObjectTag] = {}
    labels: dict[str, list[tuple[Element, ...]]] = {}
    nested: set[str] = set()
    for element, parents in _walk(_root(xml)):
        name = element.get("name")
        if element.tag in _LABEL_TAGS:
            owner = next((p for p in reversed(parents) if p.get("name") in controls), None)
            if owner is not None:
                above = tuple(p for p in parents if p.tag == element.tag)
                labels.setdefault(owner.attrib["name"], []).append((*above, element))
                if above:
                    nested.add(owner.attrib["name"])
                continue
        if not name:
            continue
        is_control = bool(element.get("toName")) and element.tag not in _NOT_CONTROLS
        is_object = not is_control and bool(element.get("value") or element.get("valueList"))
        if not is_control and not is_object:
            continue
        if len(name) > MAX_NAME:
            raise InvalidLabelConfig(f"A tag's name is longer than {MAX_NAME} characters.")
        if name in controls or name in objects:
            raise InvalidLabelConfig("The label config has two tags with the same name.")
        if is_control:
            controls[name] = _control(element)
        else:
            objects[name] = _object(element)
    return LabelConfig(
        controls=tuple(
            _with_labels(control, labels.get(name, []), name in nested)
            for name, control in controls.items()
        ),
        objects=MappingProxyType(objects),
    )


def _root(xml: str) -> Element:
    if not isinstance(xml, str) or not xml.strip():
        raise InvalidLabelConfig("The label config is empty.")
    if len(xml) > MAX_CHARACTERS:
        raise InvalidLabelConfig("The label config is longer than 2,000,000 characters.")
    try:
        return ElementTree.fromstring(xml, forbid_dtd=True)
    except DefusedXmlException:
        raise InvalidLabelConfig("The label config has a DTD or entities.") from None
    except ParseError as e:
        line = e.position[0]
        raise InvalidLabelConfig(f"The label config is not valid XML (line {line}).") from None
    except ValueError:  # characters that no XML may have, such as lone surrogates
        raise InvalidLabelConfig("The label config is not valid XML.") from None


def _walk(root: Element) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Each element with its parents, in document order; not recursive, as depth is unlimited."""
    stack: list[tuple[Element, tuple[Element, ...]]] = [(root, ())]
    tags = 0
    while stack:
        element, parents = stack.pop()
        tags += 1
        if tags > MAX_TAGS:
            raise InvalidLabelConfig(f"The label config has more than {MAX_TAGS} tags.")
        if len(parents) >= MAX_DEPTH:
            raise InvalidLabelConfig(f"The label config is nested deeper than {MAX_DEPTH} tags.")
        yield element, parents
        inside = (*parents, element)
        stack.extend((child, inside) for child in reversed(element))


def _control(element: Element) -> Control:
    attrs = MappingProxyType(dict(element.attrib))
    tag = Tag(element.attrib["name"], element.tag, attrs)
    return Control(
        name=tag.name,
        tag=tag.tag,
        attrs=attrs,
        to_name=tuple(n.strip() for n in element.attrib["toName"].split(",")),
        per_region=tag.is_on("perRegion"),
        per_item=tag.is_on("perItem"),
        nested=tag.is_on("allowNested"),
        dynamic=tag.attr("value").startswith("$") or bool(tag.attr("apiUrl")),
        choice=_choice(tag),
    )


def _choice(tag: Tag) -> str:
    if tag.tag != "Choices":
        return ""
    choice = tag.attr("choice").strip().lower()
    return choice if choice in _CHOICES else "single"


def _object(element: Element) -> ObjectTag:
    plain = _PLAIN_FIELD.fullmatch(element.get("value", ""))
    return ObjectTag(
        name=element.attrib["name"],
        tag=element.tag,
        attrs=MappingProxyType(dict(element.attrib)),
        field=plain[1] if plain else None,
    )


def _text_of(element: Element) -> str:
    return element.get("alias") or element.get("value") or ""


def _with_labels(
    control: Control, paths_of_labels: list[tuple[Element, ...]], nested: bool
) -> Control:
    """`paths_of_labels`: each Label or Choice, preceded by those that contain it."""
    elements = [path[-1] for path in paths_of_labels]
    values = [_text_of(element) for element in elements]
    # The editor fills references to the task's data into a value, but not into an alias.
    refers = any(not e.get("alias") and _REFERENCE.search(e.get("value", "")) for e in elements)
    paths = {}
    if control.tag == "Taxonomy":
        texts = [tuple(map(_text_of, path)) for path in paths_of_labels]
        paths = {label_of(path): path for path in texts if all(path)}
        values = list(paths)
    return replace(
        control,
        paths=MappingProxyType(paths),
        labels=tuple(dict.fromkeys(v for v in values if v)),
        nested=control.nested or nested,
        dynamic=control.dynamic or refers,
    )


def _value(task_data: Any, field: str) -> Any:
    if isinstance(task_data, dict) and field in task_data:
        return task_data[field]
    value = task_data
    for key in field.split("."):  # `$a.b` is a path, as in Label Studio's editor
        if not isinstance(value, dict) or key not in value:
            raise InputError("field_missing", f"The task has no field {field!r}.")
        value = value[key]
    return value
