"""Notifications, once for each change; and their deliveries, from the claim to the end."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from registry import server
from registry.actions import accuracy, champion, projects, versions, webhooks, workers
from registry.models import Outcome, TrainingRun, Webhook, WebhookDelivery, Worker
from registry.models.webhook import TOPIC_CHOICES, Topic
from tests.factories import (
    ModelVersionFactory,
    OutcomeFactory,
    ProjectFactory,
    TrainingRunFactory,
    WebhookDeliveryFactory,
    WebhookFactory,
    WorkerFactory,
)
from tests.registry.threads import run_concurrently

pytestmark = pytest.mark.django_db
NOT_REACHED = {
    "ok": False,
    "failed": "token",
    "steps": [{"step": "token", "ok": False, "detail": "401", "cure": "Set a token."}],
}


@pytest.fixture
def webhook():
    return WebhookFactory()


def messages(webhook: Webhook, topic: Topic) -> list[dict]:
    """The messages of the topic, oldest first."""
    found = webhook.deliveries.filter(topic=topic).order_by("id")
    return [delivery.message for delivery in found]


def ago(**span) -> object:
    return timezone.now() - timedelta(**span)


def test_a_failed_run_is_reported_with_its_cause(webhook):
    run = TrainingRunFactory(state="failed")
    (message,) = messages(webhook, Topic.RUN_FAILED)
    assert message["title"] == f"{run.project.title}: run {run.pk} failed"
    assert message["text"] == "It failed. Try again."
    assert message["data"] == {
        "run": run.pk,
        "kind": "training",
        "error_code": "training_failed",
    }


def test_a_run_that_lost_its_worker_is_reported_once(webhook):
    run = TrainingRunFactory(state="running")
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=ago(hours=1))
    workers.fail_lost_runs()
    workers.fail_lost_runs()
    (message,) = messages(webhook, Topic.RUN_FAILED)
    assert message["data"]["error_code"] == "worker_lost"


def test_a_cancelled_or_succeeded_run_is_not_reported(webhook):
    TrainingRunFactory(state="cancelled")
    TrainingRunFactory(state="succeeded")
    assert messages(webhook, Topic.RUN_FAILED) == []


def test_a_new_champion_is_reported_with_the_one_before(webhook):
    first = ModelVersionFactory(champion=True)
    second = ModelVersionFactory(project=first.project, champion=True)
    champion.roll_back(first.project, actor="ada", reason="It was better.")
    one, two, three = messages(webhook, Topic.VERSION_PROMOTED)
    assert (one["data"]["previous"], one["data"]["version"]) == (None, first.label)
    assert (two["data"]["previous"], two["data"]["version"]) == (first.label, second.label)
    assert (three["data"]["verb"], three["data"]["version"]) == ("roll_back", first.label)
    assert three["text"] == "It was better."
    assert three["project"]["uid"] == first.project.uid


def test_a_fall_back_is_reported_also_where_nothing_serves_any_more(webhook):
    first = ModelVersionFactory(champion=True)
    second = ModelVersionFactory(project=first.project, champion=True)
    project = first.project
    fall_back = {"actor": "serving", "error": "It is broken."}
    champion.fall_back(project, second, loads=lambda _: True, **fall_back)
    champion.fall_back(project, first, loads=lambda _: False, **fall_back)
    one, two = messages(webhook, Topic.FELL_BACK)
    assert one["title"].endswith(f"{first.label} serves")
    assert one["text"] == f"{second.label} did not load: It is broken."
    assert two["title"].endswith("nothing serves")


@pytest.mark.parametrize(("value", "is_reported"), [(0.9, False), (0.8, False), (0.7, True)])
def test_a_worse_champion_is_reported_as_a_drop(webhook, value, is_reported):
    first = ModelVersionFactory(champion=True)
    numbers = {"metric": "macro_f1", "candidate": value, "champion": 0.8, "n": 40}
    second = ModelVersionFactory(project=first.project)
    champion.promote(second, actor="policy", reason="always", numbers=numbers)
    found = messages(webhook, Topic.METRIC_DROPPED)
    assert bool(found) == is_reported
    if is_reported:
        assert found[0]["title"].endswith("macro F1 dropped from 0.800 to 0.700")


def test_of_an_error_metric_more_is_the_drop(webhook):
    first = ModelVersionFactory(champion=True)
    for value in (0.9, 0.7):
        numbers = {"metric": "log_loss", "candidate": value, "champion": 0.8, "n": 40}
        new = ModelVersionFactory(project=first.project)
        champion.promote(new, actor="policy", reason="always", numbers=numbers)
    (message,) = messages(webhook, Topic.METRIC_DROPPED)
    assert message["data"]["value"] == 0.9


def _labels(version, *, right: int, wrong: int, days: int) -> None:
    for correct in [True] * right + [False] * wrong:
        OutcomeFactory(version=version, correct=correct, at=ago(days=days))


def test_a_drop_of_the_accuracy_on_new_labels_is_reported_once_until_it_is_back(webhook):
    version = ModelVersionFactory(champion=True)
    _labels(version, right=28, wrong=2, days=20)
    _labels(version, right=12, wrong=18, days=2)
    accuracy.report_drops()
    accuracy.report_drops()
    (message,) = messages(webhook, Topic.METRIC_DROPPED)
    assert message["data"]["value"] == 0.4
    assert (message["data"]["n"], message["data"]["previous_n"]) == (30, 30)
    _labels(version, right=60, wrong=0, days=1)
    accuracy.report_drops()  # it is back
    Outcome.objects.filter(version=version, at__gte=ago(days=1, hours=1)).delete()
    accuracy.report_drops()
    assert len(messages(webhook, Topic.METRIC_DROPPED)) == 2


def test_few_labels_say_nothing_of_the_accuracy(webhook):
    version = ModelVersionFactory(champion=True)
    _labels(version, right=30, wrong=0, days=20)
    _labels(version, right=0, wrong=19, days=2)
    assert accuracy.report_drops() == []


def test_projects_whose_accuracy_has_not_dropped_take_two_queries(django_assert_num_queries):
    for _ in range(3):
        _labels(ModelVersionFactory(champion=True), right=1, wrong=0, days=2)
    with django_assert_num_queries(2):
        accuracy.report_drops()


def test_a_lost_connection_is_reported_once_and_again_after_it_was_back(webhook):
    project = ProjectFactory()
    projects.record_connection(project, NOT_REACHED)  # it never was
    assert messages(webhook, Topic.CONNECTION_LOST) == []
    for _ in range(2):
        projects.record_connection(project, {"ok": True})
        projects.record_connection(project, NOT_REACHED)
        projects.record_connection(project, NOT_REACHED)
    one, _ = messages(webhook, Topic.CONNECTION_LOST)
    assert one["text"] == "token: 401 Set a token."


def test_a_worker_without_heartbeats_is_reported_once_and_again_after_a_heartbeat(webhook):
    WorkerFactory(hostname="here")
    silent = WorkerFactory(hostname="there", heartbeat_at=ago(seconds=91))
    assert [w.hostname for w in workers.report_silent()] == ["there"]
    assert workers.report_silent() == []
    workers.record_heartbeat("events", "there")
    Worker.objects.filter(pk=silent.pk).update(heartbeat_at=ago(seconds=91))
    workers.report_silent()
    one, _ = messages(webhook, Topic.WORKER_SILENT)
    assert one["data"] == {"worker": "there", "of_cluster": "events", "others": 1}
    assert one["project"] is None


def test_a_worker_that_was_stopped_is_not_reported(webhook):
    WorkerFactory(hostname="there", heartbeat_at=ago(seconds=91))
    workers.record_end("events", "there")
    assert workers.report_silent() == []


def test_the_training_worker_sends_that_no_events_worker_is_left(
    webhook, django_capture_on_commit_callbacks
):
    def sending_cluster() -> str:
        with django_capture_on_commit_callbacks(execute=True):
            workers.report_silent()
        return OrmQ.objects.latest("id").key

    WorkerFactory(hostname="there", heartbeat_at=ago(seconds=91))
    assert sending_cluster() == "training"
    WorkerFactory(cluster="training", hostname="there", heartbeat_at=ago(seconds=91))
    assert sending_cluster() == "events"


def test_a_webhook_gets_its_topics_and_its_project_only():
    project = ProjectFactory()
    of_topic = WebhookFactory(topics=["fell_back"])
    of_project = WebhookFactory(project=project)
    off = WebhookFactory()
    webhooks.disable(off, actor="tester")
    TrainingRunFactory(state="failed")
    assert not WebhookDelivery.objects.exists()
    TrainingRunFactory(project=project, state="failed")
    WorkerFactory(hostname="there", heartbeat_at=ago(seconds=91))
    workers.report_silent()  # of no project
    assert {d.topic for d in of_project.deliveries.all()} == {"run_failed", "worker_silent"}
    assert not of_topic.deliveries.exists()
    assert not off.deliveries.exists()


def test_every_topic_but_a_test_can_be_chosen():
    assert {value for value, _ in TOPIC_CHOICES} == set(Topic) - {Topic.TEST}


def test_disabling_a_webhook_ends_its_waiting_deliveries(webhook):
    WebhookDeliveryFactory(webhook=webhook)
    webhooks.disable(webhook, actor="tester")
    assert webhook.deliveries.get().state == "failed"
    assert webhooks.claim_delivery() is None
    with pytest.raises(webhooks.WebhookState):
        webhooks.send_test(webhook, actor="tester")
    webhooks.enable(webhook, actor="tester")
    assert webhooks.claim_delivery() is None


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_claimed_by_one_of_many():
    WebhookDeliveryFactory()
    claimed = run_concurrently(8, lambda _: webhooks.claim_delivery())
    assert len([one for one in claimed if one]) == 1


def test_a_claim_that_was_lost_is_due_again_and_its_late_end_changes_nothing():
    made = WebhookDeliveryFactory()
    lost = webhooks.claim_delivery()
    assert webhooks.claim_delivery() is None
    WebhookDelivery.objects.update(due_at=timezone.now())  # LOST_AFTER has passed
    again = webhooks.claim_delivery()
    assert again.attempted == 2
    attempt = {"at": timezone.now(), "seconds": 1.0, "status": 500}
    webhooks.record_attempt(lost, error="It answers 500.", **attempt)
    made.refresh_from_db()
    assert made.attempts == []
    webhooks.record_attempt(again, **attempt | {"status": 204})
    made.refresh_from_db()
    assert (made.state, len(made.attempts)) == ("delivered", 1)


def test_nothing_waits_for_a_clock_that_was_set_back():
    first, second = WebhookDeliveryFactory(), WebhookDeliveryFactory()
    WebhookDelivery.objects.filter(pk=first.pk).update(due_at=ago(hours=-2))
    # As it is to be: after the fourth attempt an hour is waited for.
    WebhookDelivery.objects.filter(pk=second.pk).update(due_at=ago(minutes=-59), attempted=4)
    webhooks.forget_future(timezone.now())
    assert webhooks.claim_delivery() == first
    assert webhooks.claim_delivery() is None


def test_old_deliveries_are_deleted_once_they_have_ended(webhook):
    WebhookDeliveryFactory(webhook=webhook)
    waiting = WebhookDeliveryFactory(webhook=webhook)
    webhooks.record_attempt(webhooks.claim_delivery(), at=timezone.now(), seconds=0.1, status=204)
    WebhookDelivery.objects.update(created_at=ago(days=40))
    webhooks.purge_deliveries(ago(days=30))
    assert list(webhook.deliveries.all()) == [waiting]


def test_a_message_of_a_command_links_to_the_server_that_was_started(webhook, settings, tmp_path):
    """The port in the environment of the command has no effect."""
    settings.DATA_DIR, settings.PORT, settings.PUBLIC_URL = tmp_path, 9191, ""
    server.record()
    settings.PORT = 9090
    webhooks.notify(Topic.FELL_BACK, webhook.project, "x", "y", url="", data={})
    message = webhook.deliveries.get().message
    assert message["server"]["url"] == "http://127.0.0.1:9191"
    assert message["url"] == "http://127.0.0.1:9191/admin/"
    assert server.page_url(webhook).startswith("http://127.0.0.1:9191/admin/registry/webhook/")


def test_the_link_of_a_message_leads_to_the_page(admin_client, settings):
    settings.PUBLIC_URL = "https://ml.example.com"
    version = ModelVersionFactory(champion=True)
    versions.mark_load_failed(version, "x")
    for row in (version, version.project, version.run):
        url = server.page_url(row)
        assert url.startswith("https://ml.example.com/")
        answer = admin_client.get(url.removeprefix("https://ml.example.com"))
        assert answer.status_code == 200
