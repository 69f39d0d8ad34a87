"""POST /webhook: what Label Studio tells once, and waits one second for."""

from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import intake, serializers
from registry.models.event import EventStatus

from .base import ProtocolView, answered


class Webhook(ProtocolView):
    """Kept, then answered; what it means is worked out by the drain."""

    def post(self, request: Request) -> HttpResponse:
        body = serializers.WebhookBody.read(request.data)
        event = intake.take_webhook(self.caller, body)
        answer = {"status": event.status, "event": event.pk}
        if event.run_id:
            answer["job"] = str(event.run_id)
        return answered(answer, status=200 if event.status == EventStatus.IGNORED else 201)
