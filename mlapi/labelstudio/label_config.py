"""Parses a label config: its control tags, their labels, and the objects they are on.

The rules are those of Label Studio 1.23's editor and of label-studio-sdk's parser: a control
is any tag with `name` and `toName`, an object any other tag with `name` and `value`. They are
not parsed with the SDK itself because its parser resolves entities and recurses.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from xml.etree.ElementTree import Element

from mlapi.domain import CHOICE_TAGS, Condition
from mlapi.label_types.regions import label_of
from mlapi.labelstudio.conditions import Conditions, needs_region
from mlapi.labelstudio.elements import InvalidLabelConfig, text_of, walk
from mlapi.labelstudio.references import REFERENCE

MAX_CONTROLS = 1_000
MAX_NAME = 255  # as it is stored; of a control, an object, and the field that it shows

# The attributes that decide what a tag shows of a task's data.
_SOURCE = ("value", "valuetype", "textkey", "namekey", "encoding")
_LABEL_TAGS = {"Label", "Choice", "Relation"}
_NOT_CONTROLS = {"Filter"}
# The controls that draw a region, which Labels on the same object then label.
_SHAPES = {"Rectangle", "Ellipse", "Polygon", "KeyPoint", "Brush", "Bitmask", "Vector"}
_PLAIN_FIELD = re.compile(rf"\$([\w.]{{1,{MAX_NAME}}})", re.ASCII)
_MOST_STARS = 100
_MOST_DIGITS = 9
_CHOICES = ("single", "single-radio", "multiple")


@dataclass(frozen=True)
class Tag:
    """A control or object tag."""

    name: str
    tag: str
    attrs: Mapping[str, str] = field(hash=False)

    def attr(self, name: str, default: str = "") -> str:
        """An attribute by name, case-insensitively, as the editor reads it."""
        return self.attrs.get(name.lower(), default)

    def is_on(self, name: str) -> bool:
        """Whether a boolean attribute is set."""
        return self.attr(name).strip().lower() == "true"


@dataclass(frozen=True)
class Control(Tag):
    """A control tag.

    `labels` are the texts that the editor writes into a result: the alias, else the value.
    The editor writes a path for each choice of a control that `writes_paths`; where one of them
    may have more than one part the control is `nested`. A `dynamic` one's labels come with each
    task. `choice` is "" for another tag than Choices. For a Taxonomy `paths` are the paths
    of a result by label (`label_of`). `label_attrs` are, by label, the attributes of the label's
    tag, in lower case. `drawn_by` are, by tag, the names of the controls without labels that draw
    on the same objects. It is shown if all `conditions` hold, and a `region_only` one beside a
    selected region. A `repeated` one is there once for each item of a Repeater.
    """

    to_name: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    per_region: bool = False
    per_item: bool = False
    nested: bool = False
    writes_paths: bool = False
    dynamic: bool = False
    repeated: bool = False
    region_only: bool = False
    conditions: tuple[Condition, ...] = ()
    choice: str = ""
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    label_attrs: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    drawn_by: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def has_choices(self) -> bool:
        """Whether conditions of other controls can name a choice of it."""
        return self.tag in CHOICE_TAGS

    @property
    def takes_several(self) -> bool:
        """Whether a result may hold several labels."""
        if self.tag == "Taxonomy":
            return self.attr("maxUsages").strip() != "1"
        return self.choice == "multiple"

    @cached_property
    def for_parts(self) -> bool:
        """Whether it is for parts of a task: regions, items of an object or of a Repeater."""
        return self.per_region or self.per_item or self.region_only or self.repeated


@dataclass(frozen=True)
class ObjectTag(Tag):
    """An object tag; `field` is the key in the task's data, None without a plain `$field`.

    `value` has references to the task's data, which `references.filled` fills in.
    """

    field: str | None = None

    @property
    def value(self) -> str:
        return self.attr("value")

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
        return self.by_name.get(name)

    @cached_property
    def by_name(self) -> dict[str, Control]:
        """The controls by name."""
        return {control.name: control for control in self.controls}

    @cached_property
    def is_conditional(self) -> bool:
        """Whether any control is hidden under conditions."""
        return any(control.conditions for control in self.controls)


@lru_cache(maxsize=128)
def parse(xml: str) -> LabelConfig:
    """Parse a label config, once per text.

    Raises InvalidLabelConfig if it is not XML, has a document type or entities, exceeds the
    limits above, or has two tags of one name, which Label Studio refuses as well.
    """
    tags = _Tags()
    for element, parents in walk(xml):
        tags.add(element, parents)
    return LabelConfig(controls=tags.complete_controls(), objects=MappingProxyType(tags.objects))


class _Tags:
    """Collects the tags of a label config, each added after those that contain it."""

    def __init__(self) -> None:
        self.controls: dict[str, Control] = {}
        self.objects: dict[str, ObjectTag] = {}
        # By control each Label or Choice, preceded by those that contain it.
        self._labels: dict[str, list[tuple[Element, ...]]] = {}
        # By control its element, preceded by those that contain it.
        self._paths: dict[str, tuple[Element, ...]] = {}

    def add(self, element: Element, parents: Sequence[Element]) -> None:
        """Add an element. Raises InvalidLabelConfig."""
        if element.tag in _LABEL_TAGS:
            owner = next((p for p in reversed(parents) if p.get("name") in self.controls), None)
            if owner is not None:
                above = tuple(p for p in parents if p.tag == element.tag)
                self._labels.setdefault(owner.attrib["name"], []).append((*above, element))
                return
        name = element.get("name")
        if not name:
            return
        is_control = bool(element.get("toname")) and element.tag not in _NOT_CONTROLS
        # A Chat with messages to be written is on itself.
        is_object = not is_control or element.tag == "Chat"
        is_object = is_object and bool(element.get("value") or element.get("valuelist"))
        if is_control or is_object:
            self._require_new(name)
        if is_control:
            if len(self.controls) >= MAX_CONTROLS:
                raise InvalidLabelConfig(
                    f"The label config has more than {MAX_CONTROLS} control tags."
                )
            self.controls[name] = _control(element)
            self._paths[name] = (*parents, element)
        if is_object:
            self.objects[name] = _object(element)

    def _require_new(self, name: str) -> None:
        if len(name) > MAX_NAME:
            raise InvalidLabelConfig(f"A tag's name is longer than {MAX_NAME} characters.")
        if name in self.controls or name in self.objects:
            raise InvalidLabelConfig("The label config has two tags with the same name.")

    def complete_controls(self) -> tuple[Control, ...]:
        """The controls, with what only the whole config tells of them."""
        shown = Conditions(
            {
                name: self._labels.get(name, [])
                for name, c in self.controls.items()
                if c.has_choices
            },
            {name: c.tag for name, c in self.controls.items()},
        )
        return tuple(
            replace(
                _with_labels(control, self._labels.get(name, [])),
                conditions=shown.of(self._paths[name]),
                region_only=any(map(needs_region, self._paths[name])),
                repeated=any(p.tag == "Repeater" for p in self._paths[name]),
                drawn_by=MappingProxyType(_drawn_by(control, self.controls.values())),
            )
            for name, control in self.controls.items()
        )


def _control(element: Element) -> Control:
    attrs = MappingProxyType(dict(element.attrib))
    tag = Tag(element.attrib["name"], element.tag, attrs)
    return Control(
        name=tag.name,
        tag=tag.tag,
        attrs=attrs,
        to_name=tuple(n.strip() for n in element.attrib["toname"].split(",")),
        per_region=tag.is_on("perRegion"),
        per_item=tag.is_on("perItem"),
        writes_paths=tag.tag == "Choices" and tag.is_on("allowNested"),
        dynamic=tag.attr("value").startswith("$") or bool(tag.attr("apiUrl")),
        choice=_choice(tag),
    )


def _drawn_by(control: Control, controls: Iterable[Control]) -> dict[str, str]:
    """By tag the controls that draw what this one labels, of each tag the first."""
    same = [c for c in controls if c.tag in _SHAPES and c.to_name == control.to_name]
    return {c.tag: c.name for c in reversed(same) if c is not control}


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


def _with_labels(control: Control, choices: list[tuple[Element, ...]]) -> Control:
    """`choices`: each Label or Choice, preceded by those that contain it."""
    if control.tag == "Choices" and not control.writes_paths:
        choices = [path for path in choices if len(path) == 1]  # others are not shown
    elements = [path[-1] for path in choices]
    values = [text_of(element) for element in elements]
    # The editor fills references to the task's data into a value, but not into an alias.
    refers = any(not e.get("alias") and REFERENCE.search(e.get("value", "")) for e in elements)
    attrs = {text_of(e): MappingProxyType(dict(e.attrib)) for e in reversed(elements)}
    paths = {}
    if control.tag == "Taxonomy":
        texts = [tuple(map(text_of, path)) for path in choices]
        paths = {label_of(path): path for path in texts if all(path)}
        values = list(paths)
    if control.tag == "Rating":
        values = [str(stars) for stars in range(1, _most_stars(control) + 1)]
    elif control.tag == "Pairwise":
        values = ["left", "right"]
    return replace(
        control,
        paths=MappingProxyType(paths),
        label_attrs=MappingProxyType(attrs),
        labels=tuple(dict.fromkeys(v for v in values if v)),
        nested=any(len(path) > 1 for path in choices),
        dynamic=control.dynamic or refers,
    )


def _most_stars(rating: Control) -> int:
    stars = rating.attr("maxRating", "5").strip()
    if not (stars.isascii() and stars.isdigit()):
        return 0
    # Python refuses to make a number of thousands of digits.
    return min(int(stars), _MOST_STARS) if len(stars) <= _MOST_DIGITS else _MOST_STARS


def label_sets(xml: str) -> dict[str, tuple[str, ...]]:
    """The labels by control; none of a config that is invalid."""
    try:
        return {control.name: control.labels for control in parse(xml).controls}
    except InvalidLabelConfig:
        return {}


@lru_cache(maxsize=128)
def data_sources(xml: str) -> tuple[tuple[str, ...], ...]:
    """The tags that show the task's data, in document order; none of a config that is invalid.

    Label Studio stores the data of files and storages without a field, and returns them under the
    field of the first of these tags.
    """
    try:
        elements = [element for element, _ in walk(xml)]
    except InvalidLabelConfig:
        return ()
    shown = [e for e in elements if e.get("name") and "$" in (e.get("value") or "")]
    return tuple((e.tag, *(e.get(name) or "" for name in _SOURCE)) for e in shown)
