"""The bodies for Slack and Microsoft Teams, and the URLs that a webhook may have."""

import json

import pytest

from mlapi.notifications import messages
from mlapi.notifications.hosts import allowed_host
from registry.actions.webhooks import WebhookUrlRefused
from registry.models import Webhook, WebhookDelivery

MESSAGE = {"title": "A & B: run 1 failed", "text": "<!channel> *x*", "url": "https://a/b|c>d"}


def body(format: str) -> dict:
    delivery = WebhookDelivery(webhook=Webhook(format=format), topic="test", message=MESSAGE)
    return json.loads(messages.body_of(delivery))


def test_slack_gets_a_section_in_which_nothing_is_mentioned_or_linked_but_the_page():
    sent = body("slack")
    (block,) = sent["blocks"]
    assert block["text"]["type"] == "mrkdwn"
    assert block["text"]["text"] == (
        "*A &amp; B: run 1 failed*\n&lt;!channel&gt; *x*\n<https://a/b%7Cc%3Ed|Open>"
    )
    assert sent["text"] == "A &amp; B: run 1 failed"


def test_teams_gets_an_adaptive_card_with_a_button():
    (attachment,) = body("teams")["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert [block["text"] for block in card["body"]] == [MESSAGE["title"], MESSAGE["text"]]
    assert card["actions"][0]["url"] == MESSAGE["url"]


def test_a_long_text_is_cut_for_slack_and_teams_and_not_in_json():
    delivery = WebhookDelivery(webhook=Webhook(), message=MESSAGE | {"text": "x" * 5_000})
    for name, longest in (("slack", 3_000), ("teams", 3_500)):
        delivery.webhook.format = name
        assert len(messages.body_of(delivery)) < longest + 500
    delivery.webhook.format = "json"
    assert len(messages.body_of(delivery)) > 5_000


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T/B/x",
        "https://prod-1.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=x",
        "https://8.8.8.8/",
        "http://hooks.internal:8080/x",
        "http://10.1.2.3:9000/x",
    ],
)
def test_https_on_the_internet_and_what_is_listed_may_be_called(url, settings):
    settings.WEBHOOK_ALLOWED_HOSTS = ["hooks.internal:8080=10.0.0.0/8", "10.1.2.3:9000"]
    assert allowed_host(url) in url


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://example.com/", "http://example.com/", "https://example.com:8443/"),
        *("https://user:pass@example.com/", "https://127.0.0.1/", "https://[::1]/"),
        *("https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://0x7f000001/"),
        "https://[::ffff:10.0.0.1]/",
    ],
)
def test_other_urls_are_refused(url):
    with pytest.raises(WebhookUrlRefused):
        allowed_host(url)
