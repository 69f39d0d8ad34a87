"""Webhooks in the admin: made with a secret that is shown once, tested, and their deliveries."""

from django.urls import reverse

from registry.models import Webhook
from tests import factories as make

ADD = "admin:registry_webhook_add"
FORM = {
    "name": "Ops",
    "url": "https://hooks.example.com/services/a-secret",
    "format": "teams",
    "topics": ["run_failed", "worker_silent"],
    "project": "",
}


def test_a_webhook_is_made_on_a_page_that_shows_its_secret_once(client, db):
    assert client.get(reverse(ADD)).status_code == 200
    answer = client.post(reverse(ADD), FORM)
    webhook = Webhook.objects.get()
    assert webhook.secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert (webhook.url, webhook.topics) == (FORM["url"], FORM["topics"])
    page = client.get(reverse("admin:registry_webhook_change", args=[webhook.pk]))
    content = page.content.decode()
    assert "hooks.example.com" in content
    assert webhook.secret not in content
    assert "a-secret" not in content


def test_a_url_that_may_not_be_called_is_an_error_at_its_field(client, db):
    answer = client.post(reverse(ADD), FORM | {"url": "http://example.com/"})
    assert "The URL is not https." in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_new_secret_is_shown_once(client, db):
    webhook = make.WebhookFactory()
    url = reverse("admin:registry_webhook_new_secret", args=[webhook.pk])
    assert webhook.plain not in client.get(url).content.decode()
    answer = client.post(url)
    webhook.refresh_from_db()
    assert webhook.secret in answer.content.decode()
    assert webhook.secret != webhook.plain
    assert webhook.secret not in client.get(url).content.decode()


def test_the_deliveries_of_a_webhook_have_their_attempts(client, db):
    delivery = make.WebhookDeliveryFactory()
    other = make.WebhookDeliveryFactory()
    page = client.get(reverse("admin:registry_webhook_change", args=[delivery.webhook_id]))
    link = f"?webhook__id__exact={delivery.webhook_id}"
    assert link in page.content.decode()
    listed = client.get(reverse("admin:registry_webhookdelivery_changelist") + link)
    assert reverse_page(delivery) in listed.content.decode()
    assert reverse_page(other) not in listed.content.decode()
    assert str(delivery.uid) in client.get(reverse_page(delivery)).content.decode()


def reverse_page(delivery) -> str:
    return reverse("admin:registry_webhookdelivery_change", args=[delivery.pk])
