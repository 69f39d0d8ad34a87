"""Events: stored without their secrets, and processed once."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from registry.actions import events
from registry.actions.events import EventOutcome, EventProcessed
from registry.models import Event
from registry.models.event import EventStatus
from tests import factories as make
from tests.shared import wire_files

pytestmark = pytest.mark.django_db

SECRETS = ["tok-1", "tok-2", "pw-1", "pw-2", "login-1", "parsed-1"]


def payload():
    return {
        "action": "ANNOTATION_CREATED",
        "access_token": "tok-2",
        "project": {
            "id": 5,
            "title": "T",
            "token": "tok-1",
            "task_data_password": "pw-1",
            "parsed_label_config": {"label": "parsed-1"},
        },
        "params": {"login": "login-1", "password": "pw-2", "context": None},
        "nested": [{"access_token": "tok-2", "kept": 1}],
        "task": {"data": {"text": "hello", "token": "the user's own", "access_token": "theirs"}},
    }


def stored_text(event):
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::text FROM registry_event WHERE id = %s", [event.pk])
        return cursor.fetchone()[0]


def test_secrets_are_dropped_before_the_event_is_written():
    text = stored_text(events.record(make.ProjectFactory(), "ANNOTATION_CREATED", payload()))
    assert not [secret for secret in SECRETS if secret in text]


def test_the_rest_of_the_payload_is_stored():
    event = events.record(make.ProjectFactory(), "ANNOTATION_CREATED", payload())
    stored = Event.objects.get(pk=event.pk).payload
    assert stored["project"] == {"id": 5, "title": "T"}
    assert stored["params"] == {"context": None}
    assert stored["nested"] == [{"kept": 1}]
    assert stored["task"] == payload()["task"]


def test_the_callers_payload_is_not_changed():
    body = payload()
    events.record(make.ProjectFactory(), "A", body)
    assert body == payload()


@pytest.mark.parametrize("file", wire_files(), ids=lambda path: path.stem)
def test_no_token_of_a_recorded_request_is_stored(file):
    for request in json.loads(file.read_text())["requests"]:
        if not isinstance(request["body"], dict):
            continue
        text = stored_text(events.record(None, "recorded", request["body"]))
        for secret in ("access_token", "task_data_password", "parsed_label_config"):
            assert f'"{secret}"' not in text
        assert "token" not in json.loads(text).get("project", {})


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "a\x00b", "\U0001f600", "\x1b[31m", "א", "'\"--"]
)
def test_an_event_with_any_text_is_stored(text):
    event = events.record(
        make.ProjectFactory(), text or "A", {text: [text, {"x": text}]}, outcome=text
    )
    event.refresh_from_db()
    expected = text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert event.payload == {expected: [expected, {"x": expected}]}


def test_numbers_that_json_does_not_know_become_null():
    event = events.record(None, "A", {"a": float("nan"), "b": float("inf"), "c": 10**400})
    event.refresh_from_db()
    assert event.payload["a"] is None
    assert event.payload["b"] is None


def test_a_received_event_is_processed_once():
    event, other = make.EventFactory(), make.EventFactory()
    events.set_outcomes([EventOutcome(event.pk, EventStatus.APPLIED, "1 changed")])
    event.refresh_from_db()
    assert (event.status, event.outcome) == ("applied", "1 changed")
    assert event.processed_at
    again = [EventOutcome(e.pk, EventStatus.IGNORED, "again") for e in (other, event)]
    with pytest.raises(EventProcessed):
        events.set_outcomes(again)
    event.refresh_from_db()
    other.refresh_from_db()
    assert (event.status, other.status) == ("applied", "received")


def test_the_outcomes_of_many_events_are_set_in_one_statement(django_assert_num_queries):
    received = [make.EventFactory() for _ in range(3)]
    with django_assert_num_queries(3) as captured:  # with a savepoint
        events.set_outcomes([EventOutcome(e.pk, EventStatus.STALE, f"{e.pk}") for e in received])
    assert sum("UPDATE" in query["sql"] for query in captured) == 1
    found = Event.objects.values_list("pk", "status", "outcome")
    assert sorted(found) == [(e.pk, "stale", f"{e.pk}") for e in received]


def test_an_event_that_is_recorded_with_its_outcome_is_processed():
    event = events.record(None, "X", {}, status=EventStatus.IGNORED, outcome="unknown")
    assert event.processed_at
    with pytest.raises(EventProcessed):
        events.set_outcomes([EventOutcome(event.pk, EventStatus.APPLIED, "")])


def test_an_event_takes_one_query(django_assert_num_queries):
    project = make.ProjectFactory()
    with django_assert_num_queries(1):
        events.record(project, "ANNOTATION_CREATED", payload())


def test_only_old_problems_of_predictions_and_refusals_are_forgotten():
    project = make.ProjectFactory()
    for source in Event.Source.values:
        for _ in range(2):
            make.EventFactory(project=project, source=source)
    old = Event.objects.order_by("source", "pk").distinct("source").values("pk")
    Event.objects.filter(pk__in=old).update(received_at=timezone.now() - timedelta(days=31))
    assert events.purge_problems(timezone.now() - timedelta(days=30)) == 2
    assert Event.objects.count() == 8
    for source in (Event.Source.PREDICT, Event.Source.REFUSED):
        assert Event.objects.filter(source=source).count() == 1
