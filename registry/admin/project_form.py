"""The form of a project's settings: its training policy, options, promotion rule and budget."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from registry.actions import project_settings
from registry.engine import OptionField, engine
from registry.errors import EvalsError
from registry.models import Project
from registry.models.project import default_policy

from . import option_form


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
        help_text="Whenever the labels below suffice. Without it only runs that someone starts.",
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


class ProjectForm(PolicyForm):
    """The policy, options, promotion rule and error budget of a project, validated when saved.

    `option_fields` are set by `project_form`: by the names of their fields.
    """

    option_fields: ClassVar[Mapping[str, OptionField]] = {}
    reason = forms.CharField(
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The reason, stored in the audit entry.",
    )

    class Meta:
        model = Project
        fields = ["promotion_rule", "error_budget"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "error_budget" in self.fields:  # a read-only form has no fields
            self.fields["error_budget"].required = False  # left out, it stays
        set_values = option_form.initial(self.option_fields, self.instance.options)
        self.initial = {**set_values, **self.initial}

    def clean(self) -> dict[str, Any]:
        """Adds the `options` that are set to the cleaned data."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        options = option_form.options(self.option_fields, cleaned, self.instance.options)
        try:
            engine().validate_options(self.instance, options)
        except EvalsError as error:
            self.add_error(option_form.named(self.option_fields, error.message), error.sentence)
        cleaned["options"] = options
        return cleaned


def project_form(project: Project) -> type[ProjectForm]:
    """The form with a field for each option that applies to the project."""
    known = option_form.fields(project)
    own = {name: option_form.form_field(field) for name, field in known.items()}
    return type("ProjectForm", (ProjectForm,), {"option_fields": known, **own})
