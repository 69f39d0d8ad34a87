"""The views of Label Studio's routes. No logic: each calls one service or action, and responds."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any, cast

import orjson
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mlapi import exception_handlers, ingest, registry_cache, requests, serving
from mlapi.authentication import (
    Caller,
    OnlyWrongCredentialsFail,
    OptionalAuthentication,
    ProtocolAuthentication,
    refuse_cross_site,
)
from mlapi.errors import JobUnknown, RouteNotPermitted, as_error
from mlapi.monitoring import counters, exposition, readiness
from registry import permissions
from registry.actions import events
from registry.json_http import JSONBody, refuse_chunked, request_id
from registry.models import Event, ModelVersion, Project, TrainingRun
from registry.models.event import EventStatus
from registry.models.run import RunState
from registry.reports.metrics import champion_metrics

log = structlog.get_logger(__name__)
MODEL_CLASS = "EvalsBackend"
# The states of RQ, the queue of Label Studio's first ML backend.
JOB_STATES = {
    RunState.QUEUED: "queued",
    RunState.RUNNING: "started",
    RunState.SUCCEEDED: "finished",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "canceled",
}
# By then each web process answers by the version that a run has promoted.
_SERVED_AFTER = timedelta(seconds=1)


def json_response(body: Any, status: int = 200) -> HttpResponse:
    """A JSON response. NaN becomes null: Label Studio cannot read it."""
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return HttpResponse(content, status=status, content_type="application/json")


class ResponseBeforeWork(HttpResponse):
    """A response that is sent before its `work` is done, by the same thread.

    Servers call `close` after the last byte (PEP 3333). The work must be one that may be lost: if
    it raises, or the process is killed, the caller has its answer already.
    """

    def __init__(self, response: HttpResponse, work: Callable[[], object]) -> None:
        super().__init__(response.content, status=response.status_code, headers=response.headers)
        self._work = work

    def close(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("work_after_response_failed")
        finally:
            super().close()


class OneParser(BaseContentNegotiation):
    """Ignores the Content-Type header: there is one format."""

    def select_parser(self, request: Any, parsers: list) -> Any:
        return parsers[0]


class ProtocolView(APIView):
    """Authenticates before the body is read, answers errors as JSON and counts its requests.

    Its handlers return Django's HttpResponse, so that no renderer is negotiated.
    """

    authentication_classes = [ProtocolAuthentication]
    permission_classes: list = []
    needs: str | None = permissions.CALL_ROUTES  # of a token's user
    parser_classes = [JSONBody]
    content_negotiation_class = OneParser
    http_method_names = ["get", "head", "post"]
    schema = None  # Label Studio's protocol, not ours: it is not part of the REST schema

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        if request.auth is not None:
            if request.method == "POST" and self.caller.is_ambient:
                refuse_cross_site(request)
            if self.needs and not self.caller.may(self.needs):
                raise RouteNotPermitted
            refuse_chunked(request.META)

    def handle_exception(self, exc: Exception) -> Response:
        error = as_error(exc)
        if isinstance(error, ingest.REFUSALS) and self.request.auth is not None:
            ingest.record_refusal(self.caller, self.route, error, self.request.META)
        return super().handle_exception(exc)

    @property
    def route(self) -> str:
        """The name of the route."""
        match = self.request.resolver_match
        return (match.url_name if match else None) or "unknown"

    @property
    def caller(self) -> Caller:
        """The authenticated caller."""
        return cast(Caller, self.request.auth)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        started = perf_counter()
        response = super().dispatch(request, *args, **kwargs)
        method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
        counters.note_request(self.route, method, response.status_code, perf_counter() - started)
        # REST framework's request is in its own context, and Django's view in its own method: with
        # its body the request would wait for the garbage collector.
        self.request.parser_context.clear()
        vars(self).pop("head", None)
        return response

    def get_exception_handler(self) -> Callable:
        return exception_handlers.handle


class Health(ProtocolView):
    """GET /health: the process is up.

    Label Studio calls it before every page and gives up after a second, so there is no I/O.
    """

    authentication_classes = [OnlyWrongCredentialsFail]

    def get(self, request: Request) -> HttpResponse:
        return json_response(
            {"status": "UP", "version": settings.VERSION, "model_class": MODEL_CLASS}
        )


class Root(Health):
    """GET /: as /health; a browser without a key goes to the admin."""

    def get(self, request: Request) -> HttpResponse:
        has_key = getattr(request, "access_key", None) is not None
        if not has_key and exception_handlers.accepts_html(request.META):
            return HttpResponseRedirect(reverse("admin:index"), headers={"Vary": "Accept"})
        return super().get(request)


class Ready(ProtocolView):
    """GET /ready: 200 or 503 for everyone; the reason and the details for who may read."""

    authentication_classes = [OptionalAuthentication]
    needs = None  # what a caller may not read is left out

    def get(self, request: Request) -> HttpResponse:
        caller = cast(Caller | None, request.auth)
        if caller is None or not caller.may(permissions.READ_ROUTES):
            readiness.require_ready()
            return json_response({"status": "READY"})
        return json_response({"status": "READY", **readiness.check_readiness(caller.projects())})


class Setup(ProtocolView):
    """POST /setup: stores the project. Label Studio calls it with every page and task."""

    def post(self, request: Request) -> HttpResponse:
        body = requests.SetupBody.read(request.data)
        project = ingest.handle_setup(self.caller, body, _own_url(request))
        return json_response({"model_version": project.served_version})


class Validate(ProtocolView):
    """POST /validate: the pipeline and targets of a label config; 400 with the reason if none."""

    needs = permissions.READ_ROUTES

    def post(self, request: Request) -> HttpResponse:
        match = ingest.match_label_config(requests.label_config(request.data))
        return json_response(
            {
                "pipeline": match.pipeline,
                "targets": [target.to_dict() for target in match.targets],
                "unserved": [asdict(unserved) for unserved in match.unserved],
            }
        )


def _own_url(request: Request) -> str:
    """This backend's URL as the caller wrote it, with its base path and without the key."""
    script = request.META.get("SCRIPT_NAME", "").rstrip("/")
    return f"{request.scheme}://{request.get_host()}{script}"


class Predict(ProtocolView):
    """POST /predict: one entry per task; the reasons of empty ones are stored as an event."""

    def post(self, request: Request) -> HttpResponse:
        body = requests.PredictBody.read(request.data)
        project = self.caller.find(body.uid) if body.uid else None
        predicted = serving.answer(project, body.label_config, body.tasks, body.context)
        with_regions = len(body.tasks) - predicted.empty - len(predicted.nothing)
        counters.note_predictions(with_regions, len(predicted.nothing), predicted.problems)
        if predicted.problems and not registry_cache.CACHE.listener.is_away():
            reasons = {"project": body.uid, "tasks": len(body.tasks), "reasons": predicted.problems}
            with suppress(OperationalError, InterfaceError):  # the others are answered without it
                events.record(
                    project,
                    "PREDICT",
                    reasons,
                    source=Event.Source.PREDICT,
                    request_id=request_id(),
                    status=EventStatus.IGNORED,
                    outcome=predicted.summary(),
                )
        return json_response(
            {"results": predicted.results, "model_version": predicted.model_version}
        )


class Webhook(ProtocolView):
    """POST /webhook: stores the event; a job processes it, as Label Studio waits one second."""

    def post(self, request: Request) -> HttpResponse:
        request_body = requests.WebhookBody.read(request.data)
        event = ingest.ingest_webhook(self.caller, request_body)
        body = {"status": event.status, "event": event.pk}
        if event.run_id:
            body["job"] = str(event.run_id)
        response = json_response(body, status=200 if event.status == EventStatus.IGNORED else 201)
        if event.status != EventStatus.RECEIVED or event.project_id is None:
            return response
        # An event that no job was queued for is found by the next one, or by maintenance.
        return ResponseBeforeWork(response, partial(events.request_processing, event.project_id))


class Train(ProtocolView):
    """POST /train: stores the annotated tasks of the body and queues a run; the job is the run."""

    def post(self, request: Request) -> HttpResponse:
        event = ingest.handle_train(self.caller, requests.TrainBody.read(request.data))
        return json_response({"job": str(event.run_id)}, status=201)


class IsTraining(ProtocolView):
    """GET /is_training?project=: an unknown project is not training."""

    needs = permissions.READ_ROUTES

    def get(self, request: Request) -> HttpResponse:
        uid = requests.project_uid(request.query_params.get("project"))
        if uid is None and self.caller.project:
            uid = self.caller.project.uid
        project = self.caller.find(uid) if uid else None
        run = registry_cache.active_run(project) if project else None
        return json_response(
            {
                "is_training": run is not None,
                "job_id": None if run is None else str(run),
                "backend": "django-q",
                "model_version": project.served_version if project else None,
            }
        )


class JobStatus(ProtocolView):
    """POST /job_status {"job"}: the state of a run in the words of the first ML protocol.

    A run is finished when its version serves, whichever web process is asked next.
    """

    needs = permissions.READ_ROUTES

    def post(self, request: Request) -> HttpResponse:
        runs = TrainingRun.objects.filter(project__in=self.caller.projects())
        number = requests.job_id(request.data)
        run = None if number is None else runs.filter(pk=number).first()
        if run is None:
            raise JobUnknown
        return json_response(_job(run))


def _job(run: TrainingRun) -> dict[str, Any]:
    """The run as a job. It is enqueued in the transaction that creates it."""
    state, ended_at = RunState(run.state), run.ended_at
    if ended_at and state == RunState.SUCCEEDED and _is_just_now(ended_at):
        state, ended_at = RunState.RUNNING, None
    return {
        "job_status": JOB_STATES[state],
        "error": run.error or None,
        "created_at": run.created_at,
        "enqueued_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": ended_at,
        "progress": run.progress,
    }


def _is_just_now(at: datetime) -> bool:
    """Whether a web process may not have heard of it; not of what the clock has left ahead."""
    return abs(timezone.now() - at) < _SERVED_AFTER


class Versions(ProtocolView):
    """GET, POST /versions: labels, newest first, of one project or of all in the caller's scope.

    Label Studio 1.23 calls it with GET and without a project; the first ML protocol with POST.
    """

    needs = permissions.READ_ROUTES

    def get(self, request: Request) -> HttpResponse:
        return self._respond(request.query_params.get("project"))

    def post(self, request: Request) -> HttpResponse:
        return self._respond(requests.as_object(request.data).get("project"))

    def _respond(self, project: Any) -> HttpResponse:
        projects = self.caller.projects()
        if project is not None:
            uid = requests.project_uid(project)
            projects = projects.filter(uid=uid) if uid else projects.none()
        return json_response({"versions": _labels(projects)})


class Metrics(ProtocolView):
    """GET /metrics: the champions' metrics, as Prometheus text for a scraper, else as JSON."""

    needs = permissions.READ_ROUTES

    def get(self, request: Request) -> HttpResponse:
        projects = self.caller.projects()
        champions = champion_metrics(projects)
        if not exposition.is_scraper(request):
            return json_response({"champions": champions})
        text = exposition.exposition(projects, champions, of_all=not self.caller.is_bound)
        return HttpResponse(text, content_type=exposition.CONTENT_TYPE)


def _labels(projects: QuerySet[Project]) -> list[str]:
    versions = ModelVersion.objects.filter(project__in=projects, archived_at__isnull=True)
    return list(versions.order_by("-created_at", "-pk").values_list("label", flat=True))
