"""POST /train, GET /is_training, POST /job_status: training in Label Studio's first protocol."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import intake, serializers
from mlapi.errors import JobUnknown
from registry.models import Project, TrainingRun
from registry.models.run import ACTIVE_STATES, RunState

from .base import ProtocolView, answered

# The protocol's words, which are those of the queue that the first official backend used.
JOB_STATES = {
    RunState.QUEUED: "queued",
    RunState.RUNNING: "started",
    RunState.SUCCEEDED: "finished",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "canceled",
}


class Train(ProtocolView):
    """Tasks with their annotations in the body; the run that learns from them is the job."""

    def post(self, request: Request) -> HttpResponse:
        event = intake.take_train(self.caller, serializers.TrainBody.read(request.data))
        return answered({"job": str(event.run_id)}, status=201)


class IsTraining(ProtocolView):
    """GET /is_training?project=: a project that is not known is not training."""

    def get(self, request: Request) -> HttpResponse:
        uid = serializers.project_uid(request.query_params.get("project"))
        project = self.caller.find(uid) if uid else self.caller.project
        run = _active_run(project)
        return answered(
            {
                "is_training": run is not None,
                "job_id": str(run.pk) if run else None,
                "backend": "django-q",
                "model_version": project.served_version if project else None,
            }
        )


class JobStatus(ProtocolView):
    """POST /job_status {"job"}."""

    def post(self, request: Request) -> HttpResponse:
        runs = TrainingRun.objects.filter(project__in=self.caller.projects())
        number = serializers.job_id(request.data)
        run = None if number is None else runs.filter(pk=number).first()
        if run is None:
            raise JobUnknown
        return answered(_job(run))


def _active_run(project: Project | None) -> TrainingRun | None:
    return project.runs.filter(state__in=ACTIVE_STATES).first() if project else None


def _job(run: TrainingRun) -> dict[str, Any]:
    """A run as a job; it is enqueued in the transaction that makes it."""
    return {
        "job_status": JOB_STATES[RunState(run.state)],
        "error": run.error or None,
        "created_at": run.created_at,
        "enqueued_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "progress": run.progress,
    }
