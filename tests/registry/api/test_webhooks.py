"""/api/webhooks/ and /api/webhook-deliveries/."""

import pytest

from registry.actions import webhooks
from registry.models import AuditEntry, Webhook
from tests import factories as make

from .conftest import code

BODY = {
    "name": "Ops",
    "url": "https://hooks.example.com/services/a-secret",
    "topics": ["run_failed", "fell_back"],
    "format": "slack",
}


def test_a_secret_is_in_one_response_only_and_the_url_in_none(admin, project):
    answer = admin.post("webhooks/", BODY | {"project": project.pk, "reason": "New."})
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    made = answer.json()
    webhook = Webhook.objects.get(pk=made["id"])
    assert made["secret"] == webhook.secret
    assert webhook.url == BODY["url"]
    assert (made["host"], made["project"]) == ("hooks.example.com", project.pk)
    for later in (admin.get(f"webhooks/{webhook.pk}/"), admin.get("webhooks/")):
        assert made["secret"] not in later.content.decode()
        assert "a-secret" not in later.content.decode() + answer.content.decode()
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("new_webhook", "ada", "New.")
    assert made["secret"] not in str(entry.numbers)
    assert "a-secret" not in str(entry.numbers)


def test_a_new_secret_is_in_one_response_and_the_one_before_still_signs(admin, db):
    webhook = make.WebhookFactory()
    answer = admin.post(f"webhooks/{webhook.pk}/new-secret/")
    assert answer["Cache-Control"] == "no-store"
    secret = answer.json()["secret"]
    webhook.refresh_from_db()
    assert webhook.secrets() == [secret, webhook.plain]
    assert secret not in admin.get(f"webhooks/{webhook.pk}/").content.decode()
    admin.post(f"webhooks/{webhook.pk}/new-secret/")
    webhook.refresh_from_db()
    assert webhook.plain not in webhook.secrets()


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"topics": []}, {"topics": ["test"]}, {"format": "xml"}, {"project": 0}],
)
def test_a_webhook_needs_a_name_topics_and_a_scope_that_exists(admin, db, changes):
    assert code(admin.post("webhooks/", BODY | changes)) == "input_invalid"
    assert not Webhook.objects.exists()


def test_a_url_that_may_not_be_called_is_refused(admin, db):
    answer = admin.post("webhooks/", BODY | {"url": "http://example.com/"})
    assert (answer.status_code, code(answer)) == (400, "webhook_url_refused")
    assert not Webhook.objects.exists()


def test_a_test_is_a_delivery_that_can_be_read(admin, db):
    webhook, other = make.WebhookFactory(), make.WebhookFactory()
    webhooks.send_test(other, actor="tester")
    assert admin.post(f"webhooks/{webhook.pk}/test/", {"reason": "Try."}).status_code == 200
    (row,) = admin.rows("webhook-deliveries/", {"webhook": webhook.pk})
    assert (row["topic"], row["state"], row["attempts"]) == ("test", "pending", [])
    assert row["message"]["text"] == "Sent by ada."
    assert admin.rows("webhook-deliveries/", {"state": "delivered"}) == []
    detail = admin.get(f"webhook-deliveries/{row['id']}/").json()
    assert detail["uid"] == row["uid"]


def test_a_webhook_is_disabled_and_enabled_with_a_reason(admin, db):
    url = f"webhooks/{make.WebhookFactory().pk}"
    assert code(admin.post(f"{url}/disable/")) == "input_invalid"
    assert admin.post(f"{url}/disable/", {"reason": "Noise."}).json()["disabled_at"]
    assert code(admin.post(f"{url}/disable/", {"reason": "Again."})) == "webhook_state"
    assert [row["id"] for row in admin.rows("webhooks/", {"disabled": "true"})]
    assert admin.post(f"{url}/enable/", {"reason": "Back."}).json()["disabled_at"] is None


def test_only_admins_see_and_make_webhooks(lead, viewer, db):
    webhook = make.WebhookFactory()
    for caller in (lead, viewer):
        for route in ("webhooks/", "webhook-deliveries/"):
            assert code(caller.get(route)) == "permission_denied"
        assert code(caller.post("webhooks/", BODY)) == "permission_denied"
        for action in ("test", "disable", "new-secret"):
            answer = caller.post(f"webhooks/{webhook.pk}/{action}/", {"reason": "r"})
            assert code(answer) == "permission_denied"
