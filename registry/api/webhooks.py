"""/api/webhooks/ and webhook-deliveries/: make, test and disable webhooks; what was sent."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions.operator import new_webhook
from registry.models import Project, Webhook, WebhookDelivery
from registry.models.webhook import TOPIC_CHOICES, DeliveryState, Topic, WebhookFormat

from .base import Resource
from .filters import FlagFilter, IdFilter
from .serializers import OptionalReason


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook, without its URL and secret, which are not shown again."""

    class Meta:
        model = Webhook
        fields = [
            *("id", "name", "host", "format", "topics", "project"),
            *("created_at", "disabled_at", "previous_until"),
        ]
        read_only_fields = fields


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook with its new secret."""

    secret = serializers.CharField(help_text="In this response only.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class NewWebhook(OptionalReason):  # type: ignore[misc, valid-type]
    """The webhook's name, URL, topics, format and project."""

    name = serializers.CharField(max_length=100)
    url = serializers.CharField(
        max_length=2_000,
        help_text="https on the internet; other hosts where WEBHOOK_ALLOWED_HOSTS lists them.",
    )
    topics = serializers.ListField(
        child=serializers.ChoiceField(choices=TOPIC_CHOICES), allow_empty=False
    )
    format = serializers.ChoiceField(
        choices=WebhookFormat.choices, required=False, default=WebhookFormat.JSON
    )
    project = serializers.PrimaryKeyRelatedField(
        queryset=Project.objects.only("pk"), required=False, allow_null=True, default=None
    )


class WebhookFilter(django_filters.FilterSet):
    """By scope and state."""

    project = IdFilter("project_id")
    disabled = FlagFilter(field_name="disabled_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Webhook
        fields: list[str] = []


class Webhooks(Resource):
    """The URLs to which notifications are sent."""

    queryset = Webhook.objects.all()
    serializer_class = WebhookSerializer
    secret_serializer_class = WebhookWithSecretSerializer
    filterset_class = WebhookFilter
    ordering_fields = ("id", "name", "created_at")
    search_fields = ("name", "host")
    actions_by_route = {"create": new_webhook.NewWebhook()}

    @extend_schema(request=NewWebhook, responses={201: WebhookWithSecretSerializer})
    def create(self, request: Request) -> Response:
        """Create a webhook. Its secret is returned only in this response."""
        done = new_webhook.NewWebhook().execute(None, self.validated(NewWebhook), self.caller)
        return self.answer_with_secret(done.row, done)


class WebhookDeliverySerializer(serializers.ModelSerializer):
    """A delivery: its message, and each attempt to send it."""

    class Meta:
        model = WebhookDelivery
        fields = [
            *("id", "uid", "webhook", "topic", "project", "state", "message"),
            *("attempts", "attempted", "due_at", "created_at", "ended_at"),
        ]
        read_only_fields = fields


class WebhookDeliveryFilter(django_filters.FilterSet):
    """By webhook, project, topic and state."""

    webhook = IdFilter("webhook_id")
    project = IdFilter("project_id")
    topic = django_filters.ChoiceFilter(choices=Topic.choices)
    state = django_filters.ChoiceFilter(choices=DeliveryState.choices)

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []


class WebhookDeliveries(Resource):
    """Deliveries to webhooks, pending and ended ones; deleted after 30 days."""

    queryset = WebhookDelivery.objects.all()
    serializer_class = WebhookDeliverySerializer
    filterset_class = WebhookDeliveryFilter
    ordering_fields = ("id",)
