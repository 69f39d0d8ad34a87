"""/api/access-keys/: create a key, which is returned once, scope it, revoke it."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions.operator import new_key
from registry.models import AccessKey, Project
from registry.server import absolute_url

from .base import Resource
from .filters import FlagFilter, IdFilter
from .serializers import OptionalReason


class AccessKeySerializer(serializers.ModelSerializer):
    """An access key, without its plain text, which is not stored."""

    class Meta:
        model = AccessKey
        fields = [
            *("id", "name", "project", "hostname"),
            *("created_at", "last_used_at", "revoked_at"),
        ]
        read_only_fields = fields


class CreatedKeySerializer(AccessKeySerializer):
    """A new access key with its plain text."""

    key = serializers.CharField(help_text="The key in plain text, in this response only.")
    url = serializers.CharField(help_text="The URL to paste into Label Studio.")

    class Meta(AccessKeySerializer.Meta):
        fields = [*AccessKeySerializer.Meta.fields, "key", "url"]
        read_only_fields = fields


class NewKey(OptionalReason):  # type: ignore[misc, valid-type]
    """The key's name and scope: one project, one Label Studio, or everything."""

    name = serializers.CharField(max_length=100)
    project = serializers.PrimaryKeyRelatedField(
        queryset=Project.objects.only("pk"), required=False, allow_null=True, default=None
    )
    hostname = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        default="",
        help_text="The address of that Label Studio in its requests, such as http://localhost:8080.",
    )


class AccessKeyFilter(django_filters.FilterSet):
    """By scope and revocation."""

    project = IdFilter("project_id")
    hostname = django_filters.CharFilter()
    revoked = FlagFilter(field_name="revoked_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = AccessKey
        fields: list[str] = []


class AccessKeys(Resource):
    """Access keys for Label Studio's routes; they are not valid under /api/."""

    queryset = AccessKey.objects.all()
    serializer_class = AccessKeySerializer
    secret_serializer_class = CreatedKeySerializer
    filterset_class = AccessKeyFilter
    ordering_fields = ("id", "name", "created_at", "last_used_at")
    search_fields = ("name", "hostname")
    actions_by_route = {"create": new_key.NewKey()}

    @extend_schema(request=NewKey, responses={201: CreatedKeySerializer})
    def create(self, request: Request) -> Response:
        """Create a key. Its plain text is returned only in this response."""
        done = new_key.NewKey().execute(None, self.validated(NewKey), self.caller)
        return self.answer_with_secret(done.row, done)

    def secret_fields(self, secret: str) -> dict[str, str]:
        """The key, and the URL with it."""
        return {"key": secret, "url": absolute_url(self.request, f"/k/{secret}")}
