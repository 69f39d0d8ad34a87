"""Real django-q clusters in processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.models import Task as DoneJob

from registry import queue
from registry.actions import run_starts
from registry.models import Project, TrainingRun, Worker
from registry.models.run import RunKind
from tests.mlapi.training.projects import label, labelled_project
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def worker(cluster: str, tmp_path):
    """`manage.py worker` on this test's database."""
    url = _with_database(settings.DATABASE_URL, connection.settings_dict["NAME"])
    log = tmp_path / f"{cluster}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DATA_DIR": str(settings.DATA_DIR),
                "Q_CLUSTER_NAME": cluster,
                "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    except BaseException:
        print(log.read_text())
        raise
    finally:
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            finally:
                for member in [process, *family]:
                    with suppress(psutil.NoSuchProcess):
                        member.kill()


def _with_database(url: str, name: str) -> str:
    head, mark, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}{mark}{query}"


def wait_for(condition, seconds: float = 300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.mark.nightly
def test_a_training_worker_carries_out_a_queued_run_and_no_event(tmp_path):
    project = labelled_project({"Positive": 35, "Negative": 25})
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    queue.process_events(project.pk)
    with worker(queue.TRAINING, tmp_path) as process:

        def ended():
            run.refresh_from_db()
            return not run.is_active

        wait_for(ended)
        assert (run.state, run.error) == ("succeeded", "")
        assert run.worker.startswith(socket.gethostname())
        assert Worker.objects.get(cluster="training").hostname == socket.gethostname()
        wait_for(lambda: DoneJob.objects.filter(func="mlapi.jobs.train").exists())
        assert process.poll() is None
    done = DoneJob.objects.get(func="mlapi.jobs.train")
    assert (done.success, done.cluster) == (True, "training")
    # The events are for the other cluster.
    assert [job.func() for job in OrmQ.objects.filter(key=queue.EVENTS)].count(
        "mlapi.jobs.process_events"
    ) == 1
    assert not OrmQ.objects.filter(key=queue.TRAINING).exists()


def test_an_events_worker_leaves_trainings_alone_keeps_the_clock_and_wakes_after_quiet(tmp_path):
    project = labelled_project({"Positive": 35, "Negative": 25})
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    queue.process_events(project.pk)
    with worker(queue.EVENTS, tmp_path):
        wait_for(lambda: DoneJob.objects.filter(func="mlapi.jobs.process_events").exists())
        # At its start it asks for a sync, and within half a minute the clock ticks.
        wait_for(lambda: DoneJob.objects.filter(func="mlapi.jobs.sync").exists())
        wait_for(lambda: DoneJob.objects.filter(func="mlapi.jobs.tick").exists())
        run.refresh_from_db()
        assert run.state == "queued"
        assert Schedule.objects.filter(name="tick").count() == 1
        assert Worker.objects.filter(cluster="events").exists()
        assert set(DoneJob.objects.values_list("cluster", flat=True)) == {"events"}

        # In the same cluster, because another would wait half a minute for its first tick.
        quiet = labelled_project({}, policy={"quiet_s": 3})
        Schedule.objects.filter(name="tick").delete()  # so it is not the clock
        label(quiet, {"Positive": 35, "Negative": 25}, now=timezone.now())
        queue.process_events(quiet.pk)
        started = wait_for(lambda: TrainingRun.objects.filter(project=quiet).first())
        assert started.trigger == TrainingRun.Trigger.POLICY


def test_a_worker_that_stops_ends_its_training_and_hands_it_back(tmp_path):
    """A challenger, because that takes its time."""
    project = labelled_project({"Positive": 300, "Negative": 300}, policy={"enabled": False})
    Project.objects.filter(pk=project.pk).update(options={"automl": "on", "time_budget_s": 60})
    run, _ = run_starts.start(
        project, kind=RunKind.CHALLENGER, trigger=TrainingRun.Trigger.ADMIN, actor="tester"
    )
    with worker(queue.TRAINING, tmp_path) as process:

        def training():
            run.refresh_from_db()
            return "AutoML" in run.phase

        wait_for(training)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert alive == []
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker_stopped")
    again = TrainingRun.objects.get(retry_of=run)
    assert (again.kind, again.state) == (RunKind.CHALLENGER, "queued")
