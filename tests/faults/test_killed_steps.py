"""A worker that is killed before any step of a job: the next one ends what it has begun.

The steps are those of the whole job: each of its statements, each of its requests to Label Studio.
So what is added to a job is killed with it. The phases of a training's own process are killed in
`test_killed_phases`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from mlapi.child_process import folder
from mlapi.jobs import maintenance
from mlapi.mirror import apply_changes
from registry import artifacts, queue
from registry.actions import events, project_settings, projects, runs, scores
from registry.models import (
    AuditEntry,
    Event,
    ModelVersion,
    Outcome,
    Project,
    TaskScore,
    TrainingRun,
)
from registry.models.event import EventStatus
from tests.e2e.labelstudio_project import config
from tests.factories import ModelVersionFactory, ProjectFactory, TaskFactory
from tests.faults.stepwise import Workers, workers
from tests.mlapi.labelstudio.webhooks import CONFIG, T0, annotated
from tests.mlapi.labelstudio_api import UID, LabelStudioAPI
from tests.mlapi.mirror.syncing import mirrored_tasks
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import labelled_project
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
DAILY = 1  # steps of each job; nightly it is all of them
ROUNDS = 6  # of maintenance and work, after which everything is done
OFF = {"enabled": False}


class Job:
    """A job of a cluster with what it works on; made anew for each kill."""

    cluster = queue.EVENTS
    settings: dict[str, Any] = {}

    def make(self, stack: ExitStack) -> None:
        """Make the rows, and queue the job."""
        raise NotImplementedError

    def check(self) -> None:
        """Whether everything is as after a job that nobody has killed."""
        raise NotImplementedError


class EventsOfAProject(Job):
    settings = {"mlapi.mirror.process_events.BATCH": 8}
    tasks = 8

    def make(self, stack: ExitStack) -> None:
        self.project = ProjectFactory(label_config="", fingerprint="", pipeline="", policy=OFF)
        apply_changes.refresh_config(self.project, CONFIG)
        ModelVersionFactory(project=self.project, content=artifact(), champion=True)
        minute = (datetime.now(UTC) - T0) / timedelta(minutes=1) + 1
        for i in range(3 * self.tasks):  # each task is labelled three times by one person
            label = "Positive" if i >= 2 * self.tasks else "Negative"
            number = i % self.tasks
            payload = annotated(number, number, label, made=minute, updated=minute + i)
            payload["task"]["data"] = {"text": f"good fine {number}"}
            events.record(self.project, "ANNOTATION_UPDATED", payload)
        events.request_processing(self.project.pk)

    def check(self) -> None:
        assert set(Event.objects.values_list("status", flat=True)) == {EventStatus.APPLIED}
        in_order = Event.objects.order_by("processed_at", "pk").values_list("pk", flat=True)
        assert list(in_order) == sorted(in_order)
        mirrored = mirrored_tasks(self.project).values()
        assert [task.labels["label"] for task in mirrored] == ["Positive"] * self.tasks
        assert [len(task.annotations) for task in mirrored] == [1] * self.tasks
        # The champion predicted each task once, before its first label.
        outcomes = Outcome.objects.filter(task__project=self.project)
        assert sorted(outcomes.values_list("human", flat=True)) == ["Negative"] * self.tasks


class FirstReading(Job):
    """By pages of five tasks."""

    settings = {
        "mlapi.mirror.reading.EXPORT_UP_TO": 0,
        "mlapi.labelstudio.task_pages.PAGE_SIZE": 5,
        "mlapi.mirror.sync._CONNECTING_S": [],
    }

    def make(self, stack: ExitStack) -> None:
        self.theirs = stack.enter_context(LabelStudioAPI(config("A", "B")))
        for i in range(12):
            self.theirs.add({"text": f"text {i}"}, "AB"[i % 2] if i % 3 else None)
        self.project = projects.get_or_create(UID)
        Project.objects.filter(pk=self.project.pk).update(policy=OFF)
        self.project.refresh_from_db()
        project_settings.set_credentials(self.project, self.theirs.url, "a-token", actor="test")
        projects.request_sync(self.project, "a test")

    def check(self) -> None:
        self.project.refresh_from_db()
        assert self.project.synced_at
        assert (self.project.reading, self.project.sync_queued_at) == ({}, None)
        mirrored = {
            pk: (task.data, [a["id"] for a in task.annotations])
            for pk, task in mirrored_tasks(self.project).items()
        }
        assert mirrored == {
            pk: (task["data"], [a["id"] for a in task["annotations"]])
            for pk, task in self.theirs.tasks.items()
        }


class FirstReadingByExport(FirstReading):
    settings = {"mlapi.mirror.sync._CONNECTING_S": []}


class LaterReading(FirstReading):
    """Of what was added, relabelled and deleted since."""

    def make(self, stack: ExitStack) -> None:
        from mlapi.mirror.sync import sync

        super().make(stack)
        OrmQ.objects.all().delete()
        assert sync(self.project, "the first").ok
        self.theirs.add({"text": "new"}, "A")
        del self.theirs.tasks[3]
        changed = self.theirs.tasks[2]
        changed["updated_at"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        changed["annotations"] = []
        changed["total_annotations"] = 0
        OrmQ.objects.all().delete()
        self.synced_at = Project.objects.get(pk=self.project.pk).synced_at
        projects.request_sync(self.project, "a test")

    def check(self) -> None:
        super().check()
        assert self.project.synced_at > self.synced_at


class Scoring(Job):
    settings = {"mlapi.training.scoring.BATCH": 4}

    def make(self, stack: ExitStack) -> None:
        self.project = ProjectFactory(policy=OFF)
        older = ModelVersionFactory(project=self.project, content=artifact(0.7), champion=True)
        tasks = [TaskFactory(project=self.project) for _ in range(9)]
        scores.keep(older, {tasks[0].pk: scores.Certainty(0.5, 0.5, 0.5)})
        OrmQ.objects.all().delete()
        self.version = ModelVersionFactory(project=self.project, content=artifact(), champion=True)
        self.tasks = {task.pk for task in tasks}

    def check(self) -> None:
        rows = TaskScore.objects.filter(version__project=self.project)
        assert {(row.version_id, row.task_id) for row in rows} == {
            (self.version.pk, pk) for pk in self.tasks
        }
        assert rows.count() == len(self.tasks)
        self.project.refresh_from_db()
        assert self.project.scores_queued_at is None


class Training(Job):
    """In this process; what trains is the small program."""

    cluster = queue.TRAINING

    def make(self, stack: ExitStack) -> None:
        self.project = labelled_project({"Positive": 15, "Negative": 9}, policy=OFF)
        self.first, _ = runs.start(self.project, trigger=TrainingRun.Trigger.ADMIN)

    def check(self) -> None:
        states = list(self.project.runs.order_by("pk").values_list("state", "error_code"))
        assert states in (
            [("succeeded", "")],
            [("failed", "worker_lost"), ("succeeded", "")],
        )
        made = list(ModelVersion.objects.filter(project=self.project).order_by("number"))
        assert [version.number for version in made] == list(range(1, len(made) + 1))
        assert 1 <= len(made) <= len(states)
        assert all(artifacts.read(version) for version in made)
        # The small program's version does not load, so that the champion falls back afterwards.
        promoted = AuditEntry.objects.filter(project=self.project, verb="promote")
        succeeded = self.project.runs.get(state="succeeded")
        assert list(promoted.values_list("to_version", flat=True)) == [succeeded.version.pk]
        folder.sweep(young_s=0)
        assert list(folder.home().glob("run-*")) == []


JOBS = [EventsOfAProject, FirstReading, FirstReadingByExport, LaterReading, Scoring, Training]


@pytest.fixture(scope="module")
def forked(django_db_setup, django_db_blocker) -> Iterator[Workers]:
    with django_db_blocker.unblock(), workers() as running:
        yield running


@pytest.fixture(autouse=True)
def lost_at_once(monkeypatch) -> None:
    """What is lost with a worker is found without waiting for its seconds to pass."""
    monkeypatch.setattr(maintenance, "LOST_AFTER", timedelta())
    monkeypatch.setattr(projects, "SYNC_LOST_AFTER", timedelta())
    monkeypatch.setattr("registry.actions.workers._GONE_AFTER_S", 0)


def empty_database() -> None:
    """As between two tests; ids are not given again, by which files lie in the artifact store."""
    options = {"inhibit_post_migrate": True, "reset_sequences": False}
    call_command("flush", verbosity=0, interactive=False, **options)


def holders() -> int:
    """The advisory locks that are held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return cursor.fetchone()[0]


def goes_on(forked: Workers, job: Job) -> None:
    """The next workers, with the maintenance that runs beside them."""
    for _ in range(ROUNDS):
        maintenance.tick()
        waiting = OrmQ.objects.filter(lock__lte=timezone.now())
        if not waiting.exists():
            return
        for cluster in {each.key for each in waiting}:
            forked.work(cluster, **job.settings)
    raise AssertionError([each.func() for each in waiting])


def an_hour_later(forked: Workers, job: Job) -> None:
    """What a killed worker had taken comes back from the queue, and changes nothing."""
    OrmQ.objects.update(lock=timezone.now())
    goes_on(forked, job)


def killed_before(forked: Workers, job: Job, step: int) -> str:
    """Carry it out, killed before that step, and to its end; the name of the step before."""
    with ExitStack() as stack:
        job.make(stack)
        work = forked.work(job.cluster, until=step, **job.settings)
        assert eventually(lambda: holders() == 0)
        goes_on(forked, job)
        job.check()
        an_hour_later(forked, job)
        job.check()
    empty_database()
    assert work.is_killed
    return work.steps[-1] if work.steps else ""


def steps_of(forked: Workers, job: Job) -> list[str]:
    with ExitStack() as stack:
        job.make(stack)
        work = forked.work(job.cluster, **job.settings)
        assert not work.is_killed
        goes_on(forked, job)
        job.check()
    empty_database()
    return work.steps


def kill_before(forked: Workers, job: Job, chosen: Callable[[int], range]) -> None:
    steps = steps_of(forked, job)
    for step in chosen(len(steps)):
        try:
            killed_before(forked, job, step)
        except AssertionError as error:
            raise AssertionError(f"killed before step {step}, {steps[step]}: {error}") from error
    print(f"{type(job).__name__}: {len(steps)} steps")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_a_worker_that_is_killed_before_some_steps(forked, job):
    kill_before(forked, job(), lambda n: range(n // DAILY // 2, n, max(1, n // DAILY)))


@pytest.mark.nightly
@pytest.mark.long
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_a_worker_that_is_killed_before_any_step(forked, job):
    kill_before(forked, job(), range)
