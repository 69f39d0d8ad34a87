"""The training policy as fields, each with what it means."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldBooleanSwitchWidget,
)

from registry.actions import project_settings
from registry.errors import EvalsError
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
        label="Train by itself",
        help_text="Off: it trains when someone starts it, and never else.",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )
    first_labels = _count("First training: labels", "How many tasks must have a usable label.")
    first_classes = _count("First training: classes", "How many classes must be among them.")
    first_per_class = _count(
        "First training: labels a class", "How many labels each of these classes must have."
    )
    changed_min = _count(
        "Later: changed labels", "How many labels must be new or changed since the last run."
    )
    changed_share = _number(
        "Later: changed share", "And at least this share of the labelled tasks: 0.05 is 5 %."
    )
    quiet_s = _number("Quiet, seconds", "How long no label may have changed before it starts.")
    wait_max_s = _number("Longest wait, seconds", "How long it waits for that at most.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**default_policy(), **self.instance.policy, **self.initial}
        for name, default in default_policy().items():
            field = self.fields.get(name)  # those who may only look have no fields
            if field is not None and name != "enabled":
                field.help_text = f"{field.help_text} Default: {default}."

    def clean(self) -> dict[str, Any]:
        """Adds the complete `policy` to the cleaned data."""
        given = super().clean() or self.cleaned_data
        policy = {name: given[name] for name in default_policy() if given.get(name) is not None}
        if self.errors:
            return given
        try:
            given["policy"] = project_settings.checked_policy(policy)
        except EvalsError as error:
            self.add_error(None, f"{error.message} {error.hint}".strip())
        return given


def policy_sentence(policy: dict[str, Any]) -> str:
    """The policy as one sentence."""
    p = {**default_policy(), **policy}
    if not p["enabled"]:
        return "Only when someone starts it."
    return (
        f"First at {p['first_labels']} usable labels, with {p['first_classes']} classes of"
        f" {p['first_per_class']}; then after {p['changed_min']} changed labels, or"
        f" {p['changed_share']:.0%} of the labelled if that is more; once labels have been quiet"
        f" for {p['quiet_s']:g} s, but after {p['wait_max_s']:g} s at the latest."
    )
