"""The serializers that several resources share: request bodies, references to rows, tasks."""

from functools import cache
from typing import Any

from rest_framework import serializers

from registry.actions.operator.action import OPTIONAL_REASON, Form, Text


class Body(serializers.Serializer):
    """A request body that refuses unknown fields, so that a misspelled one is reported."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(unknown, "Unknown field."))
        return value


@cache
def body_of(form: Form) -> type[Body]:
    """The body of the routes whose actions have this form; one class per form.

    mypy does not know a `Body` made from a form as a class: its subclasses ignore that.
    """
    fields: dict[str, serializers.Field] = {one.name: _text(one) for one in form.texts}
    for version in form.versions:
        fields[version.name] = serializers.PrimaryKeyRelatedField(
            queryset=version.model._default_manager.all(),
            required=False,
            allow_null=True,
            default=None,
            help_text=version.help or None,
        )
    return type(form.name, (Body,), {"__doc__": form.description, **fields})


def _text(parameter: Text) -> serializers.Field:
    if_left_out: dict[str, Any] = {} if parameter.required else {"required": False, "default": ""}
    return serializers.CharField(
        max_length=parameter.max_length,
        allow_blank=parameter.may_be_empty,
        write_only=parameter.is_secret,
        help_text=parameter.help or None,
        **if_left_out,
    )


OptionalReason = body_of(OPTIONAL_REASON)


class ReadSoFar(serializers.Serializer):
    """How far a first reading of Label Studio is, in tasks."""

    read = serializers.IntegerField()
    of = serializers.IntegerField()


class VersionReference(serializers.Serializer):
    """A version."""

    id = serializers.IntegerField(source="pk")
    label = serializers.CharField()  # type: ignore[assignment]


class TaskReference(serializers.Serializer):
    """A task of the mirror, and its id in Label Studio."""

    id = serializers.IntegerField(source="pk")
    labelstudio_id = serializers.IntegerField()


class TaskViewSerializer(serializers.Serializer):
    """A task for display."""

    id = serializers.IntegerField()
    labelstudio_id = serializers.IntegerField()
    kind = serializers.CharField(help_text="`text` or `image`.")
    text = serializers.CharField(help_text="The text; for an image its address.")
    url = serializers.CharField(
        allow_null=True, help_text="The task's page in Label Studio; null if unknown."
    )
    deleted = serializers.BooleanField()
    thumbnail = serializers.CharField(allow_null=True, help_text="Path of the image's thumbnail.")


class IntervalField(serializers.ListField):
    """The lower and the upper limit."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "The 95 % interval.")
        super().__init__(child=serializers.FloatField(), min_length=2, max_length=2, **kwargs)
