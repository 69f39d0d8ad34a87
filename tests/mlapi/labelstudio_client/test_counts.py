"""Label Studio's counters, as its webhooks carry them, beside what the mirror then holds."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mlapi.mirror import counts
from mlapi.mirror.process_events import process_pending_events
from mlapi.mirror.sync import sync
from registry.actions import keys, project_settings
from registry.models import Project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connected(theirs, live_server) -> Project:
    """Connected by a key URL, and read once."""
    _, key = keys.new_key("test", actor="test")
    theirs.connect(f"{live_server.url}/k/{key}")
    project = Project.objects.get(uid=theirs.uid)
    project_settings.set_credentials(project, theirs.server.url, theirs.server.token, actor="test")
    process_pending_events(project.pk)
    assert sync(project, "a test").ok
    return project


def told_and_held(project: Project) -> tuple[counts.Counts, counts.Counts]:
    """What the newest webhook counted, and what the mirror holds after it."""
    process_pending_events(project.pk)
    told = counts.from_last_webhook(project, since=timezone.now() - timedelta(minutes=5))
    assert told is not None
    return told[0], counts.of_mirror(project)


def test_they_agree_while_every_change_is_told_and_differ_after_one_that_is_not(theirs, connected):
    first, second, third = theirs.import_texts(["one", "two", "three"])
    assert told_and_held(connected) == ((3, 0), (3, 0))
    annotation = theirs.annotate(first, "A")
    theirs.skip(second)
    assert told_and_held(connected) == ((3, 2), (3, 2))
    theirs.delete_annotation(theirs.annotate(third, "B")["id"])
    assert told_and_held(connected) == ((3, 2), (3, 2))
    theirs.delete_task(third)
    assert told_and_held(connected) == ((2, 2), (2, 2))
    theirs.turn_into_draft(annotation["id"])  # which Label Studio tells nobody
    theirs.annotate(second, "B")
    told, held = told_and_held(connected)
    assert (told, held) == ((2, 2), (2, 3))
    connected.refresh_from_db()
    assert sync(connected, "counters").ok
    assert counts.of_mirror(connected) == told
