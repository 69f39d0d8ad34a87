"""The options of a project as fields of a form; what is left empty isn't set."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from registry.engine import OptionField, engine
from registry.models import Project

_CONTROLS = "controls"  # the options of single controls, among those of the project
_MAX_TEXT = 500


def fields(project: Project) -> dict[str, OptionField]:
    """By the name of its field in the form each option that applies to the project."""
    controls: dict[str, int] = {}
    found = {}
    for field in engine().options(project):
        number = controls.setdefault(field.control, len(controls)) if field.control else 0
        found[f"option_{number}_{field.name}" if field.control else f"option_{field.name}"] = field
    return found


def form_field(field: OptionField) -> forms.Field:
    """The field in which the option is entered."""
    default = "" if field.default is None else f" Default: {field.default}."
    shared: dict[str, Any] = {
        "label": field.title,
        "help_text": f"{field.help}{default}",
        "required": False,
    }
    if field.choices:
        usual = "as for the whole project" if field.control else "default"
        choices = [("", usual), *((json.dumps(value), title) for value, title in field.choices)]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget(), **shared)
    limits: dict[str, Any] = {"min_value": field.low, "max_value": field.high}
    if field.is_whole:
        return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget(), **limits, **shared)
    if field.is_number:
        widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
        return forms.FloatField(widget=widget, **limits, **shared)
    return forms.CharField(max_length=_MAX_TEXT, widget=UnfoldAdminTextInputWidget(), **shared)


def initial(known: Mapping[str, OptionField], options: Mapping[str, Any]) -> dict[str, Any]:
    """By field the value that is set."""
    found = {}
    for name, field in known.items():
        value = _where(options, field.control).get(field.name)
        if value is not None:
            found[name] = json.dumps(value) if field.choices else value
    return found


def options(
    known: Mapping[str, OptionField], cleaned: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """The options that are set in the form, and those stored that have no field in it."""
    in_form = {(field.control, field.name) for field in known.values()}
    found = {n: v for n, v in stored.items() if n != _CONTROLS and ("", n) not in in_form}
    controls = {
        control: {n: v for n, v in own.items() if (control, n) not in in_form}
        for control, own in stored.get(_CONTROLS, {}).items()
    }
    for name, field in known.items():
        value = cleaned.get(name)
        if value in (None, ""):
            continue
        if field.choices:
            value = json.loads(value)
        (controls.setdefault(field.control, {}) if field.control else found)[field.name] = value
    own = {control: values for control, values in controls.items() if values}
    return {**found, _CONTROLS: own} if own else found


def named(known: Mapping[str, OptionField], message: str) -> str | None:
    """The field of the option that a message of the engine begins with; None: of none."""
    first = message.split(" ", 1)[0]
    return next((name for name, field in known.items() if field.name == first), None)


def _where(options: Mapping[str, Any], control: str) -> Mapping[str, Any]:
    return options.get(_CONTROLS, {}).get(control, {}) if control else options
