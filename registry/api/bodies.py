"""What acts are told in a request's body."""

from typing import Any

from rest_framework import serializers

REASON_MAX = 2000  # characters


class Body(serializers.Serializer):
    """Refuses fields that it does not have: a typing error would change nothing in silence."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(unknown, "There is no such field."))
        return value


class Reason(Body):
    """Why."""

    reason = serializers.CharField(
        max_length=REASON_MAX, help_text="Kept with the act, for those who come after."
    )


class OptionalReason(Body):
    """Why, or nothing."""

    reason = serializers.CharField(
        max_length=REASON_MAX,
        required=False,
        allow_blank=True,
        default="",
        help_text="Kept with the act.",
    )
