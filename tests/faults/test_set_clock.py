"""A clock that is set forward and back by a day: nothing waits for a time that lies ahead.

The long check sets the clock of a whole running system, PostgreSQL included, by a library that is
loaded before it (`set_clock.c`); what runs daily moves the rows' times instead, which is second
best.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from mlapi.jobs import maintenance, schedules
from mlapi.training import policy
from mlapi.worker import worker_name
from registry import queue
from registry.actions import events, projects, run_starts, runs, scores
from registry.models import Event, Project, Task, TrainingRun
from tests import data_folder
from tests.evals_backend.running import running
from tests.factories import ModelVersionFactory, ProjectFactory
from tests.faults.labelling import Project as Labelled
from tests.faults.labelling import rows
from tests.mlapi.training.projects import labelled_project
from tests.waiting import eventually

DAY = timedelta(days=1)
LIBRARY = "set_clock.so"


@pytest.fixture
def steady_clock(monkeypatch) -> None:
    """The clock of maintenance has never been set."""
    monkeypatch.setattr(maintenance, "_wall_clock", schedules.WallClock())


@pytest.mark.django_db(transaction=True)
def test_schedules_from_before_the_clock_was_set_back_do_not_wait_for_a_day():
    schedules.ensure_schedules()
    project = ProjectFactory()
    ModelVersionFactory(project=project, champion=True)
    OrmQ.objects.all().delete()
    event = events.record(project, "ANNOTATION_CREATED", {})
    events.request_processing(project.pk)
    projects.request_sync(project, "a test")
    scores.request(project)
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN)
    waiting = set(OrmQ.objects.values_list("pk", flat=True))
    assert waiting
    # As it is a day before.
    Schedule.objects.update(next_run=F("next_run") + DAY)
    OrmQ.objects.update(lock=F("lock") + DAY)
    Event.objects.update(received_at=F("received_at") + DAY)
    TrainingRun.objects.update(created_at=F("created_at") + DAY)
    queued = ("events_queued_at", "sync_queued_at", "scores_queued_at")
    ahead = timezone.now() + DAY
    Project.objects.update(**dict.fromkeys(queued, ahead), threshold_reached_at=ahead)
    schedules.forget_future()
    now = timezone.now()
    assert not Schedule.objects.filter(next_run__gt=now + timedelta(hours=2)).exists()
    assert set(OrmQ.objects.filter(lock__lte=now).values_list("pk", flat=True)) == waiting
    project.refresh_from_db()
    assert all(getattr(project, name) <= now for name in (*queued, "threshold_reached_at"))
    OrmQ.objects.all().delete()  # lost with their workers
    maintenance.requeue_stuck_events()
    assert queue.waiting_projects("process_events") == {project.pk}
    assert maintenance.requeue_lost_runs() == [run.pk]
    assert event.pk


@pytest.mark.django_db(transaction=True)
def test_labels_of_the_future_are_quiet():
    project = labelled_project({"Positive": 15, "Negative": 10})
    Task.objects.update(labels_changed_at=timezone.now() + DAY)
    Project.objects.update(labels_changed_at=timezone.now() + DAY)
    project.refresh_from_db()
    assert policy.decide(project, timezone.now()).state == "due"


@pytest.mark.django_db(transaction=True)
def test_a_running_run_is_not_lost_when_the_clock_jumps(monkeypatch, steady_clock):
    project = labelled_project({"Positive": 15, "Negative": 10})
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN)
    runs.claim(run.pk, worker_name())
    maintenance.reap()
    now = time.time
    monkeypatch.setattr(schedules.time, "time", lambda: now() + DAY.total_seconds())
    TrainingRun.objects.update(heartbeat_at=F("heartbeat_at") - DAY)  # as seen from tomorrow
    maintenance.reap()
    run.refresh_from_db()
    assert run.state == "running"
    monkeypatch.setattr(schedules, "_LATELY_S", 0)
    maintenance.reap()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker_lost")


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_worker_ended_before_the_clock_was_set_back_is_lost(steady_clock):
    project = labelled_project({"Positive": 15, "Negative": 10})
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    runs.claim(run.pk, f"{worker_name().rpartition(':')[0]}:{ended.pid}")
    TrainingRun.objects.update(heartbeat_at=F("heartbeat_at") + DAY)
    maintenance.reap()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker_lost")
    assert TrainingRun.objects.get(retry_of=run).state == "queued"


@pytest.fixture
def clock() -> Iterator[Path]:
    """A file with the seconds by which the clock of a server is ahead; beside it the library."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a compiler of C: apt-get install gcc libc6-dev")
    # Not under pytest's own, which PostgreSQL's user may not read.
    folder = Path(tempfile.mkdtemp(prefix="evals-clock-"))
    folder.chmod(0o755)
    source = Path(__file__).with_name("set_clock.c")
    command = [compiler, "-shared", "-fPIC", "-o", str(folder / LIBRARY), str(source)]
    subprocess.run(command, check=True)
    (folder / "ahead").write_text("0")
    yield folder / "ahead"
    shutil.rmtree(folder)


@pytest.fixture
def server(new_data_dir, clock):
    with running(
        data_folder.prepare(new_data_dir()),
        LD_PRELOAD=str(clock.with_name(LIBRARY)),
        CLOCK_AHEAD=str(clock),
    ) as server:
        yield server


@pytest.mark.nightly
def test_a_whole_system_goes_on_when_its_clock_is_set_by_a_day(server, clock):
    project = Labelled(server, server.key)
    project.setup()
    for task in range(1, 31):
        assert project.label(task, "Positive" if task % 2 else "Negative") < 300
    assert eventually(project.setup)

    def count(statement: str) -> int:
        return rows(server, statement)[0][0]

    received = "SELECT count(*) FROM registry_event WHERE status = 'received'"
    tick = "SELECT task FROM django_q_schedule WHERE name = 'tick'"
    made = "SELECT count(*) FROM registry_modelversion"
    lost = "SELECT count(*) FROM registry_trainingrun WHERE state = 'failed'"
    for number, ahead in enumerate(("86400", "0", "-86400", "0"), start=1):
        ticked, versions = rows(server, tick), count(made)
        clock.write_text(ahead)
        for task in range(1, 31):
            first = (task + number) % 2
            assert project.label(task, "Positive" if first else "Negative") < 300
        assert eventually(lambda: count(received) == 0), ahead
        status, answer = project.predict()
        assert status == 200 and all(answer["results"]), ahead
        assert project.start_training() < 300
        assert eventually(lambda versions=versions: count(made) > versions), ahead
        assert eventually(lambda ticked=ticked: rows(server, tick) != ticked), ahead
        assert server.get(f"/k/{server.key}/ready").status == 200, ahead
    assert count(lost) == 0
