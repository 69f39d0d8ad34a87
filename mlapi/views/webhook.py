"""POST /webhook: what Label Studio tells once, and waits one second for."""

from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import intake, serializers

from .base import ProtocolView, answered


class Webhook(ProtocolView):
    """Kept, then answered; what it means is worked out by the drain."""

    def post(self, request: Request) -> HttpResponse:
        body = serializers.WebhookBody.read(request.data)
        taken = intake.take_webhook(self.caller, body)
        answer = {"status": taken.event.status, "event": taken.event.pk}
        if taken.run:
            answer["job"] = str(taken.run.pk)
        return answered(answer, status=201 if taken.is_known else 200)
