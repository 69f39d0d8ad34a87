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
def connected(ls_project, live_server) -> Project:
    """Connected by a key URL, and read once."""
    _, key = keys.new_key("test", actor="test")
    ls_project.connect(f"{live_server.url}/k/{key}")
    project = Project.objects.get(uid=ls_project.uid)
    project_settings.set_credentials(
        project, ls_project.server.url, ls_project.server.token, actor="test"
    )
    process_pending_events(project.pk)
    assert sync(project, "a test").ok
    return project


def counts_of_both(project: Project) -> tuple[counts.Counts, counts.Counts]:
    """The counts of the newest webhook, and those of the mirror after it."""
    process_pending_events(project.pk)
    sent = counts.from_last_webhook(project, since=timezone.now() - timedelta(minutes=5))
    assert sent is not None
    return sent[0], counts.of_mirror(project)


def test_counts_differ_after_a_change_without_an_event(ls_project, connected):
    first, second, third = ls_project.import_texts(["one", "two", "three"])
    assert counts_of_both(connected) == ((3, 0), (3, 0))
    annotation = ls_project.annotate(first, "A")
    ls_project.skip(second)
    assert counts_of_both(connected) == ((3, 2), (3, 2))
    ls_project.delete_annotation(ls_project.annotate(third, "B")["id"])
    assert counts_of_both(connected) == ((3, 2), (3, 2))
    ls_project.delete_task(third)
    assert counts_of_both(connected) == ((2, 2), (2, 2))
    ls_project.turn_into_draft(annotation["id"])  # which Label Studio tells nobody
    ls_project.annotate(second, "B")
    sent, held = counts_of_both(connected)
    assert (sent, held) == ((2, 2), (2, 3))
    connected.refresh_from_db()
    assert sync(connected, "counters").ok
    assert counts.of_mirror(connected) == sent
