"""Audit entries, events and what versions answered can be read in the admin, and not be written."""

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from registry.models import AuditEntry, Event
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["auditentry", "event", "outcome", "metric", "modelversion"])
def test_the_record_is_neither_added_to_nor_changed(client, rows, name):
    shown = rows[name][0]
    before = dict(vars(type(shown).objects.get(pk=shown.pk)), _state=None)
    assert client.get(reverse(f"admin:registry_{name}_add")).status_code == 403
    assert client.post(reverse(f"admin:registry_{name}_add"), {"verb": "x"}).status_code == 403
    url = reverse(f"admin:registry_{name}_change", args=[shown.pk])
    given = {"reason": "another", "verb": "x", "status": "failed", "value": 1, "note": "n"}
    assert client.post(url, given).status_code == 403
    assert dict(vars(type(shown).objects.get(pk=shown.pk)), _state=None) == before
    assert 'name="_save"' not in client.get(url).content.decode()


def test_an_audit_entry_is_not_changed_behind_the_admin_either(rows):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=rows["auditentry"][0].pk).update(reason="another")


def test_an_event_tells_what_came_and_what_became_of_it(client):
    project = make.ProjectFactory(title="Sentiment")
    run = make.TrainingRunFactory(project=project)
    event = make.EventFactory(project=project, payload={"annotation": {"id": 7}, "<b>": "<i>"})
    Event.objects.filter(pk=event.pk).update(status="queued_run", outcome="Run queued.", run=run)
    page = client.get(reverse("admin:registry_event_change", args=[event.pk])).content.decode()
    for told in ("Run queued.", "ANNOTATION_CREATED", "Sentiment", "&quot;id&quot;: 7"):
        assert told in page
    assert reverse("admin:registry_trainingrun_change", args=[run.pk]) in page
    assert "<i>" not in page
