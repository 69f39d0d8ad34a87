"""GET /health and / (the process is up), GET /ready (it can do its work)."""

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import readiness
from mlapi.authentication import OnlyWrongCredentialsFail

from .base import ProtocolView, answered

MODEL_CLASS = "EvalsBackend"


class Health(ProtocolView):
    """Label Studio asks before every page and gives up after a second, so there is no I/O."""

    authentication_classes = [OnlyWrongCredentialsFail]

    def get(self, request: Request) -> HttpResponse:
        return answered({"status": "UP", "version": settings.VERSION, "model_class": MODEL_CLASS})


class Ready(ProtocolView):
    """For load balancers and people: 200 or 503, and why."""

    def get(self, request: Request) -> HttpResponse:
        return answered({"status": "READY", **readiness.check(self.caller.projects())})
