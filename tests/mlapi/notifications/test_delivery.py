"""Deliveries reach a real receiver: signed, and again after each failure until they are taken."""

import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import chain, repeat

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from mlapi import jobs
from mlapi.jobs import maintenance
from mlapi.media.download import Deadline
from mlapi.notifications import delivery
from registry.actions import runs, webhooks
from registry.models import Webhook, WebhookDelivery
from tests.evals_backend.running import ROOT
from tests.factories import TrainingRunFactory, WebhookFactory
from tests.mlapi.notifications.receiver import HANG, Receiver, receiving
from tests.ports import free_port
from tests.postgres import database_url
from tests.waiting import eventually

# The lock of whoever sends is of a session, and a job is of a commit.
pytestmark = pytest.mark.django_db(transaction=True)


def sent(webhook) -> WebhookDelivery:
    """The webhook's newest delivery, after what is due was sent."""
    jobs.deliver()
    return webhook.deliveries.latest("id")


def make_all_due() -> None:
    """Everything that waits is due."""
    WebhookDelivery.objects.update(due_at=timezone.now())


def queued_sending_jobs() -> int:
    """The jobs that wait and are to send what is due."""
    return [job.func() for job in OrmQ.objects.all()].count("mlapi.jobs.deliver")


def test_a_failed_run_is_delivered_to_a_receiver_that_checks_the_signature(receiver, webhook):
    run = TrainingRunFactory(state="failed")
    found = sent(webhook)
    assert (found.state, found.attempts[0]["status"]) == ("delivered", 204)
    (received,) = receiver.received
    assert receiver.forged == 0
    assert received.uid == received.body["id"] == str(found.uid)
    assert received.path == "/hook?token=a-secret"
    assert received.body["topic"] == "run_failed"
    assert received.body["project"]["uid"] == run.project.uid
    assert "It failed. Try again." in received.body["text"]
    assert received.body["url"].endswith(f"/admin/registry/trainingrun/{run.pk}/change/")
    assert received.body["data"]["error_code"] == "training_failed"


def test_another_secret_makes_no_right_signature(receiver, webhook):
    receiver.secrets = [WebhookFactory(url=receiver.url).plain]
    webhooks.send_test(webhook, actor="tester")
    assert sent(webhook).attempts[0]["error"] == "It answers 401."
    assert receiver.forged == 1
    assert receiver.received == []


def test_a_receiver_that_has_either_secret_is_answered_while_both_sign(receiver, webhook):
    old = receiver.secrets
    _, new = webhooks.replace_secret(webhook, actor="tester")
    for secrets in (old, [new]):
        receiver.secrets = secrets
        webhooks.send_test(webhook, actor="tester")
        assert sent(webhook).state == "delivered"
    Webhook.objects.update(previous_until=timezone.now())
    receiver.secrets = old
    webhooks.send_test(webhook, actor="tester")
    assert sent(webhook).state == "pending"


def test_a_delivery_that_is_refused_is_sent_again_later_unchanged(receiver, webhook):
    receiver.answers = [500, 429]
    webhooks.send_test(webhook, actor="tester")
    first = sent(webhook)
    assert first.state == "pending"
    assert first.due_at > timezone.now()
    assert sent(webhook).attempted == 1  # not before it is due
    make_all_due()
    maintenance.requeue_deliveries()  # as each tick does
    assert OrmQ.objects.latest("id").func() == "mlapi.jobs.deliver"
    second = sent(webhook)
    make_all_due()
    last = sent(webhook)
    assert second.due_at - second.created_at > first.due_at - first.created_at
    assert last.state == "delivered"
    assert [a["status"] for a in last.attempts] == [500, 429, 204]
    assert len(receiver.received) == 3
    assert len({(r.uid, str(r.body)) for r in receiver.received}) == 1


def test_a_receiver_that_hangs_is_left_and_holds_up_no_other(
    receiver, webhook, settings, monkeypatch
):
    limits = chain([0.5], repeat(delivery.TIMEOUT_S))  # the first is the one that hangs
    monkeypatch.setattr(delivery, "Deadline", lambda seconds: Deadline(min(next(limits), seconds)))
    receiver.answers = [HANG]
    with receiving(Receiver()) as other:
        settings.WEBHOOK_ALLOWED_HOSTS += [f"127.0.0.1:{other.port}"]
        well = WebhookFactory(url=other.url)
        other.secrets.append(well.plain)
        for one in (webhook, webhook, well):
            webhooks.send_test(one, actor="tester")
        jobs.deliver()
        assert well.deliveries.get().state == "delivered"
    first, second = webhook.deliveries.order_by("id")
    assert first.state == "pending"
    assert first.attempts[0]["status"] is None
    assert first.attempts[0]["error"].startswith("It did not answer within")
    assert second.attempted == 0  # not in the same turn
    receiver.released.set()
    make_all_due()
    jobs.deliver()
    assert set(webhook.deliveries.values_list("state", flat=True)) == {"delivered"}


def test_a_receiver_that_was_away_gets_it_when_it_is_back(settings, transactional_db):
    away = Receiver(free_port())
    settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{away.port}"]
    webhook = WebhookFactory(url=away.url)
    away.secrets.append(webhook.plain)
    webhooks.send_test(webhook, actor="tester")
    found = sent(webhook)
    assert found.state == "pending"
    assert found.attempts[0]["error"] == "127.0.0.1 cannot be reached."
    make_all_due()
    with receiving(away):
        assert sent(webhook).state == "delivered"
    assert [r.uid for r in away.received] == [str(found.uid)]


def test_after_the_last_attempt_it_is_given_up(receiver, webhook):
    receiver.answers = [503] * 100
    webhooks.send_test(webhook, actor="tester")
    for _ in range(len(webhooks.BACK_OFF_S) + 3):
        make_all_due()
        found = sent(webhook)
    assert found.state == "failed"
    assert found.ended_at is not None
    assert len(receiver.received) == len(found.attempts) == len(webhooks.BACK_OFF_S) + 1


def test_a_receiver_that_is_gone_is_not_tried_again(receiver, webhook):
    receiver.answers = [410]
    webhooks.send_test(webhook, actor="tester")
    assert sent(webhook).state == "failed"


def test_a_redirect_is_not_followed(receiver, webhook):
    receiver.answers = [307]
    webhooks.send_test(webhook, actor="tester")
    assert sent(webhook).attempts[0]["error"] == "It redirects (307), which is not followed."
    assert [r.path for r in receiver.received] == ["/hook?token=a-secret"]


def test_a_name_that_leads_into_the_private_network_is_not_called(transactional_db):
    webhook = WebhookFactory(url="https://localhost/")
    webhooks.send_test(webhook, actor="tester")
    found = sent(webhook)
    assert found.state == "pending"
    assert "leads into the private network" in found.attempts[0]["error"]


def test_a_change_that_is_rolled_back_has_no_delivery(receiver, webhook):
    run = TrainingRunFactory(state="running")
    with pytest.raises(RuntimeError), transaction.atomic():
        runs.fail(run, "training_failed", "It failed.")
        assert webhook.deliveries.exists()
        raise RuntimeError
    jobs.deliver()
    assert not webhook.deliveries.exists()
    assert receiver.received == []
    assert queued_sending_jobs() == 0


def test_nothing_is_sent_before_its_transaction_commits(receiver, webhook):
    run = TrainingRunFactory(state="running")
    with transaction.atomic():
        runs.fail(run, "training_failed", "It failed.")
        done = subprocess.run([sys.executable, "-c", SENDER], env=_environment(), cwd=ROOT)
        assert done.returncode == 0
        assert receiver.received == []
        assert queued_sending_jobs() == 0
    assert queued_sending_jobs() == 1
    assert sent(webhook).state == "delivered"


SENDER = """
import django
django.setup()
from mlapi import jobs
from mlapi.notifications import delivery
delivery.TIMEOUT_S = 600.0
jobs.deliver()
"""


def _environment(**more: str) -> dict[str, str]:
    settings = {"DJANGO_SETTINGS_MODULE": "evals_backend.settings", "DATABASE_URL": database_url()}
    return {**os.environ, **settings, **more}


def test_the_delivery_of_a_killed_worker_is_sent_again(receiver, webhook, settings):
    receiver.answers = [HANG]
    webhooks.send_test(webhook, actor="tester")
    allowed = {"WEBHOOK_ALLOWED_HOSTS": ",".join(settings.WEBHOOK_ALLOWED_HOSTS)}
    command = [sys.executable, "-c", SENDER]
    with subprocess.Popen(command, env=_environment(**allowed), cwd=ROOT) as process:
        assert receiver.hanging.wait(300)
        jobs.deliver()  # another worker leaves what is being sent to that one
        assert len(receiver.received) == 1
        process.send_signal(signal.SIGKILL)
    receiver.released.set()
    found = webhook.deliveries.get()
    assert (found.state, found.attempts) == ("pending", [])
    assert found.due_at - timezone.now() < timedelta(seconds=60)
    make_all_due()
    # PostgreSQL gives the lock back as soon as it sees that the process has gone.
    assert eventually(lambda: sent(webhook).state == "delivered")
    assert [r.uid for r in receiver.received] == [str(found.uid)] * 2


def test_url_and_secrets_are_neither_stored_in_clear_nor_logged(receiver, webhook, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    receiver.answers = [500]
    webhooks.send_test(webhook, actor="tester")
    sent(webhook)
    webhook.refresh_from_db()
    logged = caplog.text + str([vars(r) for r in caplog.records]) + "".join(capfd.readouterr())
    assert str(webhook.deliveries.get().uid) in logged
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registry_webhook")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT * FROM registry_webhookdelivery")
        stored += str(cursor.fetchall())
        cursor.execute("SELECT * FROM registry_auditentry")
        stored += str(cursor.fetchall())
    for secret in (webhook.plain, "a-secret", webhook.url):
        assert secret not in logged
        assert secret not in stored


def test_a_webhook_that_cannot_be_decrypted_says_so(receiver, webhook, settings):
    webhooks.send_test(webhook, actor="tester")
    settings.ENCRYPTION_KEYS = ["another key"]
    assert sent(webhook).attempts[0]["error"] == "Its URL cannot be read: make the webhook anew."
