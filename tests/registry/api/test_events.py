"""/api/events/."""

from registry.actions import events
from tests import factories as make

from .conftest import WHO, asked


def test_events_are_listed_without_their_payload(viewer, project):
    event = make.EventFactory(project=project, payload={"annotation": {"id": 7}})
    make.EventFactory.create_batch(3, project=project)
    with asked(WHO + 1):
        rows = viewer.rows("events/")
    assert len(rows) == 4
    assert "payload" not in rows[0]
    told = viewer.get(f"events/{event.pk}/").json()
    assert told["payload"] == {"annotation": {"id": 7}}


def test_secrets_were_never_stored(viewer, project):
    payload = {"project": {"token": "secret", "id": 1}}
    event = make.EventFactory(project=project, payload=payload)
    assert viewer.get(f"events/{event.pk}/").json()["payload"] == {"project": {"id": 1}}


def test_events_are_filtered_and_searched_within_a_project(viewer, project):
    first, second = (make.EventFactory(project=project, action=a) for a in ("ONE", "TWO"))
    events.set_outcome(first, "ignored", "Nothing to learn from it.")
    make.EventFactory()

    def ids(**query):
        return [row["id"] for row in viewer.rows("events/", {"project": project.pk, **query})]

    assert ids() == [second.pk, first.pk]
    assert ids(status="ignored") == [first.pk]
    assert ids(action="TWO", source="webhook") == [second.pk]
    assert ids(search="learn") == [first.pk]
    assert ids(received_after=second.received_at.isoformat()) == [second.pk]
    assert ids(received_before=second.received_at.isoformat()) == [first.pk]
    assert ids(ordering="id") == [first.pk, second.pk]
