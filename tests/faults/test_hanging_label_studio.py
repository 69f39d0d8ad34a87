"""A Label Studio that hangs holds no events worker for long, no other project, and no run."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection
from django_q.models import OrmQ

from mlapi import jobs
from mlapi.child_process.supervise import Limits
from mlapi.jobs import maintenance
from mlapi.labelstudio import http
from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.errors import TimedOut
from mlapi.locks import READING, is_locked, project_lock, reading_slot
from mlapi.mirror import connection_check
from mlapi.mirror import sync as sync_module
from mlapi.mirror.sync import sync
from mlapi.training.run import carry_out
from registry.actions import events, project_settings, projects, run_starts, runs
from registry.engine import engine
from registry.errors import EvalsError, Refused
from registry.models import Project, TrainingRun
from tests.factories import ProjectFactory
from tests.faults.hanging import HangingServer
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated
from tests.mlapi.labelstudio_api import UID, LabelStudioAPI
from tests.mlapi.training.projects import labelled_project, small_programs
from tests.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.django_db(transaction=True)
# Less than an exchange that hangs takes by default, and generous for a busy machine.
IN_TIME_S = http.EXCHANGE_S / 2


@pytest.fixture
def hanging() -> Iterator[HangingServer]:
    with HangingServer() as server:
        yield server


def read_from(server: HangingServer | LabelStudioAPI, project: Project | None = None) -> Project:
    """A project of that Label Studio."""
    project = project or projects.get_or_create(UID)
    project_settings.set_credentials(project, server.url, "a-token", actor="test")
    return project


class BackgroundJob(threading.Thread):
    """A worker's job, in a thread with a connection of its own."""

    def __init__(self, job: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._job = job
        self.start()

    def run(self) -> None:
        try:
            self._job()
        finally:
            connection.close()


@pytest.mark.parametrize("dribbling", [False, True])
def test_an_exchange_ends_at_its_deadline(monkeypatch, dribbling):
    monkeypatch.setattr(http, "EXCHANGE_S", 1.0)
    with HangingServer(dribbling=dribbling) as server, LabelStudio(server.url, "a-token") as client:
        started_at = time.monotonic()
        with pytest.raises(TimedOut):
            client.project(1)
    assert time.monotonic() - started_at < IN_TIME_S


def test_a_reading_ends_at_its_deadline(hanging, monkeypatch):
    monkeypatch.setattr(sync_module, "READING_S", 1.0)
    started_at = time.monotonic()
    report = sync(read_from(hanging), "a test")
    assert report.error["code"] == "labelstudio_timeout"
    assert time.monotonic() - started_at < IN_TIME_S


def test_events_are_applied_while_a_reading_hangs(hanging):
    """Events of the same project too, because the reading holds no lock of the mirror."""
    project = read_from(hanging, ProjectFactory(label_config=CONFIG))
    stop = threading.Event()

    def checkpoint() -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    def read() -> None:
        with pytest.raises(KeyboardInterrupt):
            sync(project, "a test", checkpoint=checkpoint)

    reading = BackgroundJob(read)
    try:
        assert hanging.has_request.wait(PATIENCE_S)
        for each in (project, ProjectFactory(label_config=CONFIG)):
            event = events.record(each, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
            started_at = time.monotonic()
            jobs.process_events(each.pk)
            assert time.monotonic() - started_at < IN_TIME_S
            event.refresh_from_db()
            assert event.status == "applied"
        assert reading.is_alive()
    finally:
        stop.set()
        reading.join(PATIENCE_S)
    assert not reading.is_alive()


def test_a_cancelled_run_frees_its_worker_though_label_studio_hangs(hanging):
    project = read_from(hanging, labelled_project({"Positive": 35, "Negative": 25}))
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.START_TRAINING)
    worker = BackgroundJob(lambda: carry_out(run.pk, "worker@test", programs=small_programs()))
    assert hanging.has_request.wait(PATIENCE_S)
    started_at = time.monotonic()
    runs.cancel(run.pk, actor="tester")
    worker.join(PATIENCE_S)
    assert time.monotonic() - started_at < IN_TIME_S
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not is_locked(project.pk, READING)


def test_a_run_has_its_time_limit_from_its_first_second(hanging):
    project = read_from(hanging, labelled_project({"Positive": 35, "Negative": 25}))
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.START_TRAINING)
    started_at = time.monotonic()
    limits = Limits(seconds=1.5, memory_mb=4096)
    ended = carry_out(run.pk, "worker@test", programs=small_programs(), limits=limits)
    assert time.monotonic() - started_at < IN_TIME_S
    assert (ended.state, ended.error_code) == ("failed", "time_limit")


def test_a_run_that_learns_nothing_as_label_studio_hangs_says_so(hanging, monkeypatch):
    monkeypatch.setattr(http, "EXCHANGE_S", 0.5)
    project = read_from(hanging, labelled_project({}))
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.START_TRAINING)
    ended = carry_out(run.pk, "worker@test", programs=small_programs())
    assert (ended.state, ended.error_code) == ("failed", "labelstudio_timeout")
    assert "took Label Studio too long" in ended.error
    assert ended.hint == TimedOut.hint


def test_one_events_worker_is_left_to_events_whoever_reads(hanging, monkeypatch):
    monkeypatch.setattr(settings, "EVENT_WORKERS", 2)
    held, go_on = threading.Event(), threading.Event()

    def read() -> None:
        with reading_slot() as is_free:
            assert is_free
            held.set()
            go_on.wait(PATIENCE_S)

    other = BackgroundJob(read)
    try:
        assert held.wait(PATIENCE_S)
        project = read_from(hanging)
        projects.request_sync(project, "a test")
        OrmQ.objects.all().delete()  # taken by a worker
        jobs.sync(project.pk, "a test")
        assert not hanging.has_request.is_set()
        project.refresh_from_db()
        assert project.sync_queued_at  # it still waits
    finally:
        go_on.set()
        other.join(PATIENCE_S)
    projects.requeue_syncs()
    assert [job.func() for job in OrmQ.objects.all()] == ["mlapi.jobs.sync"]


@pytest.mark.parametrize("dribbling", [False, True])
def test_a_check_that_a_request_waits_for_ends_in_time(monkeypatch, dribbling):
    monkeypatch.setattr(connection_check, "_FOR_REQUEST_S", 1.0)
    with HangingServer(dribbling=dribbling) as server:
        project = read_from(server)
        started_at = time.monotonic()
        report = engine().check_connection(project)
    assert time.monotonic() - started_at < http.READ_S / 2
    (reach,) = report["steps"]
    assert (reach["step"], reach["code"]) == ("reach", "labelstudio_timeout")
    project.refresh_from_db()
    assert project.connection["steps"] == [reach]


@pytest.fixture
def checking(hanging) -> Iterator[tuple[Project, Callable[[], dict | Exception]]]:
    """A project whose check waits in another thread, and what ends it and returns its outcome."""
    project = read_from(hanging)
    ends: list[dict | Exception] = []

    def run_check() -> None:
        try:
            ends.append(engine().check_connection(Project.objects.get(pk=project.pk)))
        except EvalsError as error:
            ends.append(error)

    check = BackgroundJob(run_check)

    def end() -> dict | Exception:
        assert check.is_alive()
        hanging.__exit__(None, None, None)
        check.join(PATIENCE_S)
        return ends[0]

    assert hanging.has_request.wait(PATIENCE_S)
    yield project, end
    hanging.__exit__(None, None, None)
    check.join(PATIENCE_S)


def test_a_check_beside_another_of_the_process_is_refused_and_the_next_is_not(checking):
    project, end = checking
    with pytest.raises(connection_check.AnotherCheck):
        engine().check_connection(project)
    end()
    assert engine().check_connection(project)["failed"] == "reach"


def test_a_check_of_credentials_that_were_replaced_meanwhile_is_not_recorded(checking):
    project, end = checking
    project_settings.set_credentials(project, "http://127.0.0.1:9", "another", actor="test")
    assert isinstance(end(), Refused)
    project.refresh_from_db()
    assert (project.connection, project.connection_checked_at) == ({}, None)


def test_a_second_process_does_not_read_beside_the_first(hanging):
    project, found = read_from(hanging), []
    with project_lock(project.pk, purpose=READING):
        BackgroundJob(lambda: found.append(sync(project, "a test"))).join(PATIENCE_S)
    assert [report.is_busy for report in found] == [True]
    assert not hanging.has_request.is_set()


def test_a_reading_that_is_lost_with_its_worker_is_queued_again_at_once(hanging):
    project = read_from(hanging)
    pids: list[int] = []

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.append(cursor.fetchone()[0])
        sync(project, "a test", checkpoint=lambda: None)

    worker = BackgroundJob(lambda: _quietly(read))
    assert hanging.has_request.wait(PATIENCE_S)
    assert is_locked(project.pk, READING)
    maintenance.requeue_lost_syncs()
    assert not OrmQ.objects.exists()  # it is being read
    with connection.cursor() as cursor:  # as PostgreSQL ends the session of a killed worker
        cursor.execute("SELECT pg_terminate_backend(%s)", pids)
    assert eventually(lambda: not is_locked(project.pk, READING))
    maintenance.requeue_lost_syncs()
    assert [job.func() for job in OrmQ.objects.all()] == ["mlapi.jobs.sync"]
    hanging.__exit__(None, None, None)
    worker.join(PATIENCE_S)


def _quietly(job: Callable[[], object]) -> None:
    try:
        job()
    except Exception:  # noqa: BLE001 - its connection is gone
        return
