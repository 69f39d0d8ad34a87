"""POST /setup and POST /validate: what would serve this label config?"""

from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import intake, serializers

from .base import ProtocolView, answered


class Setup(ProtocolView):
    """Comes with every page and task of Label Studio: cheap, and the same however often."""

    def post(self, request: Request) -> HttpResponse:
        body = serializers.SetupBody.read(request.data)
        project = intake.take_setup(self.caller, body, _own_url(request))
        return answered({"model_version": project.served_version})


class Validate(ProtocolView):
    """Which pipeline and targets would serve a config; 400 with the reason if none would."""

    def post(self, request: Request) -> HttpResponse:
        match = intake.served_by(serializers.label_config(request.data))
        return answered(
            {
                "pipeline": match.pipeline,
                "targets": [target.to_dict() for target in match.targets],
                "unserved": [
                    {"control": u.control, "code": u.code, "message": u.message}
                    for u in match.unserved
                ],
            }
        )


def _own_url(request: Request) -> str:
    """Our address as the caller wrote it, with its base path and without the key."""
    script = request.META.get("SCRIPT_NAME", "").rstrip("/")
    return f"{request.scheme}://{request.get_host()}{script}"
