"""How one row refers to another: by its id, with what people call it."""

from rest_framework import serializers


class VersionReference(serializers.Serializer):
    """A version."""

    id = serializers.IntegerField(source="pk")
    label = serializers.CharField()  # type: ignore[assignment]


class TaskReference(serializers.Serializer):
    """A task of the mirror, and its id in Label Studio."""

    id = serializers.IntegerField(source="pk")
    labelstudio_id = serializers.IntegerField()
