"""Workers that are killed while they apply events lose none, and apply none twice."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import Error, connection

from mlapi.locks import EVENTS, MIRROR, is_locked
from mlapi.mirror import apply_changes, process_events
from mlapi.mirror.process_events import process_pending_events, received
from registry.actions import events, tasks
from registry.models import Event, Outcome, Project
from registry.models.event import EventStatus
from tests.factories import ModelVersionFactory, ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG, T0, annotated
from tests.mlapi.trained import artifact
from tests.waiting import PATIENCE_S, eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]
EVENTS_SENT = 400
TASKS = 100


@pytest.fixture
def project() -> Project:
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, CONFIG)
    ModelVersionFactory(project=project, content=artifact(), champion=True)
    minute = (datetime.now(UTC) - T0) / timedelta(minutes=1) + 1
    for i in range(EVENTS_SENT):  # each task is labelled four times by one person
        label = "Positive" if (i // TASKS) % 2 else "Negative"
        payload = annotated(i % TASKS, i % TASKS, label, made=minute, updated=minute + i)
        payload["task"]["data"] = {"text": f"good fine {i % TASKS}"}
        events.record(project, "ANNOTATION_UPDATED", payload)
    return project


class KillableWorker(threading.Thread):
    """A worker in a thread, whose session in PostgreSQL ends as that of a killed process does."""

    def __init__(self, project: Project) -> None:
        super().__init__(daemon=True)
        self._project = project
        self._pid: list[int] = []
        self._has_session = threading.Event()
        self._was_killed = threading.Event()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pid += cursor.fetchone()
            self._has_session.set()
            process_pending_events(self._project.pk, self._wait_before_the_end)
        except Error:
            return
        finally:
            connection.close()

    def _wait_before_the_end(self) -> None:
        """Leaves the last batch until it is killed, however late that comes on a busy machine."""
        if received(self._project.pk).count() <= process_events.BATCH:
            self._was_killed.wait(PATIENCE_S)

    def kill_after(self, applied: int, seconds: float) -> None:
        """Kill it so many seconds after it has applied so many events."""
        assert self._has_session.wait(PATIENCE_S)
        left = max(received(self._project.pk).count() - applied, process_events.BATCH)
        while self.is_alive() and received(self._project.pk).count() > left:
            time.sleep(0.001)
        time.sleep(seconds)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", self._pid)
        self._was_killed.set()
        self.join(PATIENCE_S)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_event_is_applied_once_and_in_order(project, monkeypatch, seed):
    monkeypatch.setattr(process_events, "BATCH", 16)
    pick, kills = random.Random(seed), 0
    while received(project.pk).exists() and kills < 25:
        worker = KillableWorker(project)
        worker.start()
        worker.kill_after(pick.choice([0, 16, 32]), pick.uniform(0, 0.05))
        kills += 1
        # PostgreSQL tells the client first, and gives the locks back then.
        assert eventually(lambda: not is_locked(project.pk, MIRROR))
        assert eventually(lambda: not is_locked(project.pk, EVENTS))
    assert kills > 1
    process_pending_events(project.pk)
    assert set(Event.objects.values_list("status", flat=True)) == {EventStatus.APPLIED}
    in_order = Event.objects.order_by("processed_at", "pk").values_list("pk", flat=True)
    assert list(in_order) == sorted(in_order)
    mirrored = tasks.existing(project)
    assert mirrored.count() == TASKS
    assert {len(row.annotations) for row in mirrored} == {1}
    assert {row.labels["label"] for row in mirrored} == {"Positive"}  # the last word
    # The champion predicted each task once, before its first label.
    assert Outcome.objects.count() == TASKS
    assert set(Outcome.objects.values_list("human", flat=True)) == {"Negative"}
