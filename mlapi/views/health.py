"""GET /health and / (the process is up), GET /ready (it can do its work)."""

from django.http import HttpResponse
from rest_framework.request import Request

from evals_backend import __version__
from mlapi import readiness
from mlapi.authentication import OnlyWrongCredentialsFail

from .base import ProtocolView, answered

MODEL_CLASS = "EvalsBackend"


class Health(ProtocolView):
    """Label Studio asks before every page and gives up after a second, so there is no I/O."""

    authentication_classes = [OnlyWrongCredentialsFail]

    def get(self, request: Request) -> HttpResponse:
        return answered({"status": "UP", "version": __version__, "model_class": MODEL_CLASS})


class Ready(ProtocolView):
    """For load balancers and people: 200 or 503, and why."""

    def get(self, request: Request) -> HttpResponse:
        return answered({"status": "READY", **readiness.check(self.caller.projects())})
