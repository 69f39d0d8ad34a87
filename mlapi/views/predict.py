"""POST /predict."""

from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import prometheus, serializers, serving
from registry.actions import events
from registry.error_responses import request_id
from registry.models import Event
from registry.models.event import EventStatus

from .base import ProtocolView, answered


class Predict(ProtocolView):
    """Always one entry per task; why some are empty is an event."""

    def post(self, request: Request) -> HttpResponse:
        body = serializers.PredictBody.read(request.data)
        project = self.caller.find(body.uid) if body.uid else None
        answer = serving.answer(project, body.label_config, body.tasks, body.context)
        prometheus.note_predictions(len(body.tasks) - answer.empty, answer.problems)
        if answer.problems:
            events.record(
                project,
                "PREDICT",
                {"project": body.uid, "tasks": len(body.tasks), "reasons": answer.problems},
                source=Event.Source.PREDICT,
                request_id=request_id(),
                status=EventStatus.IGNORED,
                outcome=answer.summary(),
            )
        return answered({"results": answer.results, "model_version": answer.model_version})
