"""The jobs that come round by themselves, with something to do in each of their steps."""

from contextlib import ExitStack
from datetime import datetime, timedelta

from django.test import override_settings
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from registry import queue
from registry.actions import events, run_starts, runs, webhooks
from registry.models import Event, Project, Task, TrainingRun, Webhook, WebhookDelivery
from registry.models.event import EventStatus
from registry.models.project import default_policy
from tests.factories import ModelVersionFactory, OutcomeFactory, ProjectFactory, WebhookFactory
from tests.faults.jobs.job import OFF, Job
from tests.faults.jobs.mirror import EventsOfAProject, FirstReading, LaterReading
from tests.faults.jobs.versions import Scoring
from tests.mlapi.notifications.receiver import Receiver, receiving
from tests.mlapi.training.projects import labelled_project

LABELS = {"Positive": 15, "Negative": 9}


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


class Deliveries(Job):
    """Three messages for each of two webhooks."""

    def make(self, stack: ExitStack) -> None:
        self.receiver = stack.enter_context(receiving(Receiver()))
        allowed = [f"127.0.0.1:{self.receiver.port}"]
        stack.enter_context(override_settings(WEBHOOK_ALLOWED_HOSTS=allowed))
        self.settings = {"django.conf.settings.WEBHOOK_ALLOWED_HOSTS": allowed}
        for _ in range(2):
            webhook = WebhookFactory(url=self.receiver.url)
            self.receiver.secrets.append(webhook.plain)
            for _ in range(3):
                webhooks.send_test(webhook, actor="tester")

    def repeat(self) -> None:
        """A minute later."""
        pending = WebhookDelivery.objects.filter(state="pending")
        pending.update(due_at=timezone.now())

    def check(self) -> None:
        deliveries = WebhookDelivery.objects.all()
        assert {each.state for each in deliveries} == {"delivered"}
        received = [each.uid for each in self.receiver.received]
        assert set(received) == {str(each.uid) for each in deliveries}
        assert len(received) <= len(deliveries) + 1  # one was being sent when its worker died


class Scheduled(Job):
    """A job that comes round by itself, with other jobs that it is to queue."""

    alone = True
    name: str
    parts: list[Job]

    def make(self, stack: ExitStack) -> None:
        self.settings = {}
        for part in self.parts:
            part.make(stack)
            self.settings |= part.settings
        self.lose()
        OrmQ.objects.all().delete()
        self.schedule()

    def lose(self) -> None:
        """Make the jobs' rows as they are where the jobs are lost."""
        raise NotImplementedError

    def schedule(self) -> None:
        async_task(f"mlapi.jobs.{self.name}", cluster=queue.EVENTS)

    def repeat(self) -> None:
        """The next time."""
        for part in self.parts:
            part.repeat()
        self.schedule()

    def check(self) -> None:
        for part in self.parts:
            part.check()


class Tick(Scheduled):
    name = "tick"

    def make(self, stack: ExitStack) -> None:
        changed = LaterReading()
        changed.created = "2026-11-23T07:55:00.000000Z"
        self.parts = [EventsOfAProject(), FirstReading(), changed, Scoring(), Deliveries()]
        super().make(stack)

    def lose(self) -> None:
        applied, unread, changed, scored, _ = self.parts
        Event.objects.filter(project=applied.project).update(received_at=ago(minutes=1))
        Project.objects.filter(pk=applied.project.pk).update(events_queued_at=ago(minutes=1))
        Project.objects.filter(pk=unread.project.pk).update(sync_queued_at=ago(minutes=1))
        Project.objects.filter(pk=scored.project.pk).update(scores_queued_at=ago(minutes=11))
        # What Label Studio counts is in its last webhook.
        then = ago(minutes=10)
        Project.objects.filter(pk=changed.project.pk).update(
            synced_at=then, connection_checked_at=then, sync_queued_at=None
        )
        names = ("task_number", "total_annotations_number", "skipped_annotations_number")
        counters = dict(zip(names, (12, 7, 0), strict=True))
        payload = {"project": counters}
        counted = events.record(
            changed.project, "PROJECT_UPDATED", payload, status=EventStatus.APPLIED
        )
        Event.objects.filter(pk=counted.pk).update(received_at=ago(minutes=1))
        self.lost, self.queued, self.due = (labelled_project(LABELS, policy=OFF) for _ in range(3))
        lost, _ = run_starts.start(self.lost, trigger=TrainingRun.Trigger.ADMIN)
        runs.claim(lost.pk, "elsewhere:1")
        TrainingRun.objects.filter(pk=lost.pk).update(heartbeat_at=ago(minutes=2))
        queued, _ = run_starts.start(self.queued, trigger=TrainingRun.Trigger.ADMIN)
        TrainingRun.objects.filter(pk=queued.pk).update(created_at=ago(minutes=1))
        Task.objects.filter(project=self.due).update(labels_changed_at=ago(minutes=9))
        Project.objects.filter(pk=self.due.pk).update(policy=default_policy())

    def check(self) -> None:
        super().check()
        expected = {
            self.lost: [("admin", "failed"), ("retry", "succeeded")],
            self.queued: [("admin", "succeeded")],
            self.due: [("policy", "succeeded")],
        }
        for project, ends in expected.items():
            found = project.runs.order_by("pk").values_list("trigger", "state")
            assert list(found) == ends, found


class Hourly(Scheduled):
    name = "hourly"

    def make(self, stack: ExitStack) -> None:
        self.parts = [FirstReading(), Scoring(), Deliveries()]
        super().make(stack)

    def lose(self) -> None:
        unread, scored, deliveries = self.parts
        Project.objects.filter(pk=unread.project.pk).update(sync_queued_at=None)
        Project.objects.filter(pk=scored.project.pk).update(scores_queued_at=None)
        expired = events.record(
            None, "PREDICT", {}, source=Event.Source.PREDICT, status=EventStatus.FAILED
        )
        Event.objects.filter(pk=expired.pk).update(received_at=ago(days=40))
        delivery = WebhookDelivery.objects.order_by("pk")[0]
        copy = WebhookDelivery.objects.create(
            webhook=delivery.webhook,
            topic=delivery.topic,
            state="delivered",
            due_at=ago(days=40),
            ended_at=ago(days=40),
        )
        WebhookDelivery.objects.filter(pk=copy.pk).update(created_at=ago(days=40))
        self.worse = ModelVersionFactory(champion=True, project=ProjectFactory(policy=OFF))
        for correct, days in ((True, 20), (False, 2)):
            for _ in range(20):
                OutcomeFactory(version=self.worse, correct=correct, at=ago(days=days))

    def check(self) -> None:
        super().check()
        assert not Event.objects.filter(source=Event.Source.PREDICT).exists()
        assert not WebhookDelivery.objects.filter(created_at__lt=ago(days=30)).exists()
        drops = WebhookDelivery.objects.filter(topic="metric_dropped", project=self.worse.project)
        assert sorted(drops.values_list("webhook", flat=True)) == sorted(
            Webhook.objects.values_list("pk", flat=True)
        )
