"""Stores what Label Studio sends: a few rows and a queued job, never a model, EvaDB or HTTP.

Label Studio waits one second for a webhook and never sends it again, so the event is a row
before it is answered, and everything slow is a job.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import Error, transaction

from mlapi import pipelines, registry_cache
from mlapi.authentication import Caller
from mlapi.domain import Match
from mlapi.errors import ConfigUnserved, ProjectUnknown
from mlapi.labelstudio.events import KNOWN_ACTIONS, SETUP, START_TRAINING, TRAIN
from mlapi.labelstudio.label_config import InvalidLabelConfig
from mlapi.requests import SetupBody, TrainBody, WebhookBody
from mlapi.served_config import resolve
from registry.actions import events, projects, refusals, run_starts
from registry.errors import BodyInvalid, BodyTooLarge, EvalsError, LengthRequired, TooManyValues
from registry.json_http import request_id
from registry.models import Event, Project, TrainingRun
from registry.models.event import EventStatus

log = structlog.get_logger(__name__)
# Of what Label Studio's routes refuse before it is an event.
REFUSALS = (BodyTooLarge, BodyInvalid, LengthRequired, TooManyValues)


def match_label_config(config: str, options: Mapping[str, Any] = pipelines.NO_OPTIONS) -> Match:
    """The pipeline and targets that serve a label config with these options; in memory only.

    Raises ConfigUnserved or InvalidLabelConfig.
    """
    served = resolve(config, options)
    if not served.is_valid:
        raise InvalidLabelConfig(served.unserved_reason, hint="Save it again in Label Studio.")
    if not served.targets:
        raise ConfigUnserved(f"{served.unserved_reason.rstrip('.')}.")
    return served.match


def handle_setup(caller: Caller, body: SetupBody, backend_url: str) -> Project:
    """Stores the project. A new config is an event, because applying it may relabel every task.

    Where it says nothing new, nothing is written. A project that no pipeline serves is stored
    as well, with the reason.
    Raises ProjectUnknown for one out of scope, ConfigUnserved or InvalidLabelConfig.
    """
    _refuse_foreign(caller, body)
    setup = projects.Setup(
        label_config=body.label_config,
        hostname=body.hostname,
        setup_token=body.token,
        extra_params=body.extra_params,
        backend_url=backend_url,
        with_password=caller.has_password,
    )
    project = registry_cache.cached_project(body.uid)
    if project is None or not setup.is_stored_in(project):
        project = registry_cache.stored_project(body.uid, lambda: _store_setup(body, setup))
    match_label_config(body.label_config, project.options)
    return project


def _store_setup(body: SetupBody, setup: projects.Setup) -> Project:
    with transaction.atomic():
        project, created, config_changed = projects.upsert_from_setup(body.uid, setup)
        if created or config_changed:
            events.record(
                project,
                SETUP,
                {"project": {"label_config": body.label_config}, "first": created},
                source=Event.Source.SETUP,
                request_id=request_id(),
            )
            events.request_processing(project.pk)
    return project


def _refuse_foreign(caller: Caller, body: SetupBody) -> None:
    if not caller.may_create(body.uid, body.hostname):
        raise ProjectUnknown
    if caller.hostname:
        known = registry_cache.project(body.uid)
        if known and known.hostname not in (caller.hostname, ""):
            raise ProjectUnknown


def ingest_webhook(caller: Caller, body: WebhookBody) -> Event:
    """Stores the event; START_TRAINING queues a run at once.

    The processing of a received one is the caller's to request, after Label Studio has its answer.
    An event that names no project, or one out of scope, is stored without a project: it can be
    read and has no effect.
    """
    project, action = _project_of(caller, body.uid, body.title), body.action.upper()
    if project is not None and action == START_TRAINING:
        trigger = TrainingRun.Trigger.START_TRAINING
        return _start_run(project, trigger, body.payload, Event.Source.WEBHOOK)
    ignored = ""
    if project is None:
        ignored = f"names no project that {caller.name} opens"
    elif action not in KNOWN_ACTIONS:
        ignored = "an action that nothing is done for"
    return events.record(
        project,
        body.action,
        body.payload,
        request_id=request_id(),
        status=EventStatus.IGNORED if ignored else EventStatus.RECEIVED,
        outcome=ignored,
    )


def handle_train(caller: Caller, body: TrainBody) -> Event:
    """Stores the annotated tasks as an event; returns the event of the queued run.

    Raises ProjectUnknown.
    """
    project = _project_of(caller, body.uid, "")
    if project is None:
        raise ProjectUnknown
    if body.tasks:
        with transaction.atomic():
            events.record(
                project,
                TRAIN,
                body.payload,
                source=Event.Source.TRAIN,
                request_id=request_id(),
            )
            events.request_processing(project.pk)
    return _start_run(project, TrainingRun.Trigger.TRAIN_ROUTE, {}, Event.Source.TRAIN)


def record_refusal(caller: Caller, route: str, error: EvalsError, meta: Mapping[str, Any]) -> None:
    """Stores that a request was refused before it became an event.

    Label Studio says to its user that it has retrieved predictions, whatever is answered.
    """
    refusal = refusals.Refusal(
        route=route,
        code=error.code,
        status=error.status,
        message=error.message,
        size=int(meta.get("CONTENT_LENGTH") or 0),
        caller=caller.name,
        project=caller.project,
        hostname=caller.hostname,
    )
    try:
        refusals.record(refusal, request_id=request_id())
    except Error:  # the caller's answer is the refusal, not this
        log.exception("refusal_not_recorded")


def _project_of(caller: Caller, uid: str | None, title: str) -> Project | None:
    """The project in scope; an unknown one is created, and a sync of it queued."""
    if uid is None:
        return None
    project = caller.find(uid)
    if project is None and caller.may_create(uid, ""):
        project = projects.get_or_create(uid, title=title)
        projects.request_sync(project, "a project that no /setup has named")
    return project


def _outcome(run: TrainingRun, is_new: bool) -> str:
    if is_new:
        return f"queued run {run.pk}"
    following = ", and another is queued when it ends" if run.follow_up else ""
    return f"run {run.pk} was {run.state} already{following}"


@transaction.atomic
def _start_run(project: Project, trigger: str, payload: dict[str, Any], source: str) -> Event:
    """Queues a run, or finds the active one; returns the event that names it."""
    run, created = run_starts.start(project, trigger=trigger, actor="labelstudio")
    return events.record(
        project,
        START_TRAINING,
        payload,
        source=source,
        request_id=request_id(),
        status=EventStatus.QUEUED_RUN,
        outcome=_outcome(run, created),
        run=run,
    )
