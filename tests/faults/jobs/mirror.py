"""Jobs that write a project's mirror: events and syncs."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from django_q.models import OrmQ

from mlapi.mirror import apply_changes
from mlapi.mirror.sync import sync
from registry.actions import events, project_settings, projects
from registry.models import Event, Outcome, Project
from registry.models.event import EventStatus
from tests.e2e.labelstudio_project import config
from tests.factories import ModelVersionFactory, ProjectFactory
from tests.faults.jobs.job import OFF, Job
from tests.mlapi.labelstudio.webhooks import CONFIG, T0, annotated
from tests.mlapi.labelstudio_api import CREATED, LabelStudioAPI
from tests.mlapi.mirror.syncing import mirrored_tasks
from tests.mlapi.trained import artifact


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
        own = Event.objects.filter(project=self.project)
        assert set(own.values_list("status", flat=True)) == {EventStatus.APPLIED}
        in_order = own.order_by("processed_at", "pk").values_list("pk", flat=True)
        assert list(in_order) == sorted(in_order)
        mirrored = mirrored_tasks(self.project).values()
        assert [task.labels["label"] for task in mirrored] == ["Positive"] * self.tasks
        assert [len(task.annotations) for task in mirrored] == [1] * self.tasks
        # The champion predicted each task once, before its first label.
        outcomes = Outcome.objects.filter(task__project=self.project)
        assert sorted(outcomes.values_list("human", flat=True)) == ["Negative"] * self.tasks


class FirstReading(Job):
    """A first sync, in pages of five tasks."""

    created = CREATED
    settings = {
        "mlapi.mirror.reading.EXPORT_UP_TO": 0,
        "mlapi.labelstudio.task_pages.PAGE_SIZE": 5,
        "mlapi.mirror.sync._CONNECTING_S": [],
    }

    @property
    def uid(self) -> str:
        return f"1.{int(datetime.fromisoformat(self.created).timestamp())}"

    def make(self, stack: ExitStack) -> None:
        self.labelstudio_api = stack.enter_context(
            LabelStudioAPI(config("A", "B"), created=self.created)
        )
        for i in range(12):
            self.labelstudio_api.add({"text": f"text {i}"}, "AB"[i % 2] if i % 3 else None)
        self.project = projects.get_or_create(self.uid)
        Project.objects.filter(pk=self.project.pk).update(policy=OFF)
        self.project.refresh_from_db()
        project_settings.set_credentials(
            self.project, self.labelstudio_api.url, "a-token", actor="test"
        )
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
            for pk, task in self.labelstudio_api.tasks.items()
        }


class FirstReadingByExport(FirstReading):
    settings = {"mlapi.mirror.sync._CONNECTING_S": []}


class LaterReading(FirstReading):
    """A later sync, of added, relabelled and deleted tasks."""

    def make(self, stack: ExitStack) -> None:
        super().make(stack)
        OrmQ.objects.all().delete()
        assert sync(self.project, "the first").ok
        self.labelstudio_api.add({"text": "new"}, "A")
        del self.labelstudio_api.tasks[3]
        changed = self.labelstudio_api.tasks[2]
        changed["updated_at"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        changed["annotations"] = []
        changed["total_annotations"] = 0
        OrmQ.objects.all().delete()
        self.synced_at = Project.objects.get(pk=self.project.pk).synced_at
        projects.request_sync(self.project, "a test")

    def check(self) -> None:
        super().check()
        assert self.project.synced_at > self.synced_at
