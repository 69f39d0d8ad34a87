"""The form of a project's settings: its training policy, options and promotion rule."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from registry.actions import project_settings
from registry.engine import engine
from registry.errors import EvalsError
from registry.models import Project
from registry.models.project import default_policy


def _count(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        min_value=0,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
    )


def _number(label: str, help_text: str) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        help_text=help_text,
        min_value=0,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )


class PolicyForm(forms.ModelForm):
    """A field per setting of the policy; an empty one has its default."""

    enabled = forms.BooleanField(
        label="Train automatically",
        help_text="Off: only runs that are started by hand.",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )
    first_labels = _count("First training: labels", "Tasks that must have a usable label.")
    first_classes = _count("First training: classes", "Classes that must be among them.")
    first_per_class = _count(
        "First training: labels a class", "Labels that each of these classes must have."
    )
    changed_min = _count(
        "Later: changed labels", "Labels that must be new or changed since the last run."
    )
    changed_share = _number(
        "Later: changed share", "And at least this share of the labelled tasks: 0.05 is 5 %."
    )
    quiet_s = _number("Quiet period, seconds", "Time without a changed label before a run starts.")
    wait_max_s = _number("Longest wait, seconds", "Longest wait for the quiet period.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**default_policy(), **self.instance.policy, **self.initial}
        for name, default in default_policy().items():
            field = self.fields.get(name)  # a read-only form has no fields
            if field is not None and name != "enabled":
                field.help_text = f"{field.help_text} Default: {default}."

    def clean(self) -> dict[str, Any]:
        """Adds the complete `policy` to the cleaned data."""
        cleaned = super().clean() or self.cleaned_data
        policy = {name: cleaned[name] for name in default_policy() if cleaned.get(name) is not None}
        if self.errors:
            return cleaned
        try:
            cleaned["policy"] = project_settings.checked_policy(policy)
        except EvalsError as error:
            self.add_error(None, error.sentence)
        return cleaned


def policy_sentence(policy: dict[str, Any]) -> str:
    """The policy as one sentence."""
    p = {**default_policy(), **policy}
    if not p["enabled"]:
        return "Only when started by hand."
    quick = (
        " (1 s while trainings take under 5 s)"
        if p["quiet_s"] == default_policy()["quiet_s"]
        else ""
    )
    return (
        f"First run at {p['first_labels']} usable labels in {p['first_classes']} classes of"
        f" {p['first_per_class']}; later runs after {p['changed_min']} changed labels, or"
        f" {p['changed_share']:.0%} of the labelled tasks if that is more; each once no label has"
        f" changed for {p['quiet_s']:g} s{quick}, or after {p['wait_max_s']:g} s at the latest."
    )


class _IndentedJSON(json.JSONEncoder):
    """JSON with a setting per line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "indent": 2})


class ProjectForm(PolicyForm):
    """The policy, options and promotion rule of a project, validated before they are saved."""

    reason = forms.CharField(
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The reason, stored in the audit entry.",
    )

    class Meta:
        model = Project
        fields = ["options", "promotion_rule"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.fields.get("options")  # a read-only form has no fields
        if isinstance(options, forms.JSONField):
            options.encoder = _IndentedJSON
            options.help_text = _known_options(self.instance)

    def clean_options(self) -> dict[str, Any]:
        options = _or_empty(self.cleaned_data["options"])
        return _checked(engine().validate_options, self.instance, options)


def _known_options(project: Project) -> str:
    """The pipelines' options, with their defaults."""
    try:
        known = engine().validate_options(project, {})
    except EvalsError:
        return ""
    if not known:
        return "No options while no pipeline serves the project."
    own = '{"controls": {"NAME": {...}}}'
    return f"A JSON object. Defaults: {json.dumps(known)}. Those of the control NAME alone: {own}"


def _or_empty(value: Any) -> Any:
    return {} if value is None else value


def _checked(check: Any, *args: Any) -> dict[str, Any]:
    """The validated value. Raises ValidationError with the engine's message."""
    if not isinstance(args[-1], dict):
        raise ValidationError("Must be a JSON object: {…}.")
    try:
        return check(*args)
    except EvalsError as error:
        raise ValidationError(error.sentence) from error
