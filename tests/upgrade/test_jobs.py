"""Jobs, events and runs that waited when the code was changed are worked off by it."""

import pydoc
from unittest import mock

import pytest
from django.apps import apps
from django_q.models import OrmQ, Schedule
from structlog.testing import capture_logs

from registry import queue
from registry.models import Event
from tests.mlapi.training.projects import small_programs

from . import names


def call_job(func: str, args: tuple = (), kwargs: dict | None = None) -> None:
    """Finds and calls the function as django-q's worker does."""
    found = pydoc.locate(func)
    assert callable(found), func
    found(*args, **(kwargs or {}))


def run_cluster(cluster: str) -> None:
    while job := OrmQ.objects.filter(key=cluster).order_by("pk").first():
        package = job.task
        job.delete()
        call_job(package["func"], package["args"], package["kwargs"])


@pytest.fixture(scope="module")
def logs(copied_database):
    """The log of the schedules and of all queued jobs."""
    # What a training learns is tested elsewhere, and takes a minute.
    with capture_logs() as logged, mock.patch("mlapi.training.run.Programs", small_programs):
        run_cluster(queue.EVENTS)
        run_cluster(queue.TRAINING)
        for schedule in Schedule.objects.order_by("name"):
            call_job(schedule.func)
        run_cluster(queue.EVENTS)
    return logged


def test_jobs_log_only_the_expected_failures(logs):
    assert {entry["event"] for entry in logs if entry.get("exc_info")} <= names.EXPECTED_ERRORS


def test_every_waiting_event_is_applied_or_says_why_not(logs, before):
    waited = [row["id"] for row in before.rows["registry_event"] if row["status"] == "received"]
    found = Event.objects.filter(pk__in=waited).order_by("pk")
    assert [(event.action, event.status) for event in found] == names.EVENTS
    assert all(event.outcome and event.processed_at for event in found)


@pytest.mark.parametrize(
    ("model", "where", "attribute", "value"), names.ROWS_AFTER_JOBS, ids=lambda v: str(v)[:40]
)
def test_waiting_jobs_are_done(logs, model, where, attribute, value):
    assert getattr(apps.get_model(model).objects.get(**where), attribute) == value
