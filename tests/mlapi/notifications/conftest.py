"""A receiver that may be called, and a webhook that calls it."""

import pytest

from tests.factories import WebhookFactory
from tests.mlapi.notifications.receiver import Receiver, receiving


@pytest.fixture
def receiver(settings):
    """A receiver that listens, on a port of the private network that is listed."""
    with receiving(Receiver()) as receiver:
        settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{receiver.port}"]
        yield receiver


@pytest.fixture
def webhook(receiver, transactional_db):
    """A webhook for every topic that calls the receiver, which knows its secret."""
    made = WebhookFactory(url=receiver.url)
    receiver.secrets.append(made.plain)
    return made
