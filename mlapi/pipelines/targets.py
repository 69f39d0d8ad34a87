"""Control tags and the objects that they are on as targets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlapi import label_types
from mlapi.domain import Condition, InputSpec, Match, TargetSpec, Unserved
from mlapi.labelstudio import references, visibility
from mlapi.labelstudio.label_config import MAX_NAME, Control, ObjectTag
from mlapi.pipelines import refusals

_PLAIN_TYPES = ("", "text", "json")
_ANY = ""  # any control; the name of none


def target_spec(control: Control, objects: Sequence[ObjectTag]) -> TargetSpec:
    """The control as a target with its objects as one input, in the order of `toName`."""
    first = objects[0]
    label_type = label_types.of_control(control)
    if label_type is None:
        raise ValueError(f"There is no label type for {control.tag}.")
    plain = _input(first)
    is_plain = len(objects) == 1 and plain == InputSpec(
        first.tag, f"${first.field}", text_key=plain.text_key, author_key=plain.author_key
    )
    names = dict.fromkeys(name for o in objects for name in references.referred(o.value))
    return TargetSpec(
        name=control.name,
        object_name=first.name,
        object_tag=first.tag,
        field=first.field if is_plain and first.field else ", ".join(names)[:MAX_NAME],
        kind=label_type.name,
        labels=control.labels,
        text_key=plain.text_key,
        author_key=plain.author_key,
        control_tag=control.tag,
        inputs=() if is_plain else tuple(map(_input, objects)),
        conditions=control.conditions,
    )


def reachable(match: Match) -> Match:
    """The match without targets that no prediction can show, as none shows what they wait for.

    That is so where nothing served has what they wait for, and where they wait in a circle.
    """
    targets = {target.name: target for target in match.targets}
    waits_for = {
        name: tuple(c for c in target.conditions if not c.negated)
        for name, target in targets.items()
    }
    found: set[str] = set()
    choices: dict[str, set[str]] = {_ANY: set()}  # of those found, and of all of them together
    for name in visibility.in_order(waits_for):
        if all(_is_possible(condition, choices) for condition in waits_for[name]):
            found.add(name)
            if targets[name].has_choices:
                choices[name] = set(targets[name].labels)
                choices[_ANY] |= choices[name]
    message = refusals.MESSAGES["parent_not_served"]
    return replace(
        match,
        targets=tuple(t for t in match.targets if t.name in found),
        unserved=(
            *match.unserved,
            *(
                Unserved(name, "parent_not_served", message)
                for name in targets
                if name not in found
            ),
        ),
    )


def _is_possible(condition: Condition, choices: Mapping[str, set[str]]) -> bool:
    """Whether one of these choices can fulfil what the condition waits for."""
    possible = [choices.get(name, set()) for name in condition.controls or (_ANY,)]
    if condition.labels is None:
        return any(possible)
    return any(not labels.isdisjoint(condition.labels) for labels in possible)


def _input(tag: ObjectTag) -> InputSpec:
    encoding = tag.attr("encoding").strip()
    return InputSpec(
        tag=tag.tag,
        value=tag.value,
        encoding="" if encoding == "none" else encoding,
        value_type="" if tag.value_type in _PLAIN_TYPES else tag.attr("valueType").strip(),
        text_key=tag.attr("textKey") or "text",
        author_key=tag.attr("nameKey") or "author",
    )
