"""The form of a project's settings."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from registry.engine import engine
from registry.errors import EvalsError
from registry.models import Project

from .policy_form import PolicyForm


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
        help_text="Why; kept with the act.",
    )

    class Meta:
        model = Project
        fields = ["options", "promotion_rule"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.fields.get("options")  # those who may only look have no fields
        if isinstance(options, forms.JSONField):
            options.encoder = _IndentedJSON
            options.help_text = _known_options(self.instance)

    def clean_options(self) -> dict[str, Any]:
        options = _or_empty(self.cleaned_data["options"])
        return _checked(engine().validate_options, self.instance, options)


def _known_options(project: Project) -> str:
    """The options that can be set, with their defaults."""
    try:
        known = engine().validate_options(project, {})
    except EvalsError:
        return ""
    if not known:
        return "None can be set until a pipeline serves the project."
    return f"An object. Left out, each is as here: {json.dumps(known)}"


def _or_empty(value: Any) -> Any:
    return {} if value is None else value


def _checked(check: Any, *args: Any) -> dict[str, Any]:
    """The validated value. Raises ValidationError with the engine's message."""
    if not isinstance(args[-1], dict):
        raise ValidationError("Must be an object: {…}.")
    try:
        return check(*args)
    except EvalsError as error:
        raise ValidationError(f"{error.message} {error.hint}".strip()) from error
