"""Requests that are refused before they are an event leave a row, and a hint for people."""

import http.client
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.utils import timezone

from registry.actions import events, keys, refusals
from registry.models import Event
from tests import factories as make
from tests.mlapi.caller import Caller

MB = 2**20
REFUSED = Event.Source.REFUSED
CHUNKED = {"transfer-encoding": "chunked"}


@pytest.fixture(autouse=True)
def small_requests_only(settings) -> None:
    settings.MAX_REQUEST_MB = 1
    settings.ALLOW_ANONYMOUS = False


@pytest.fixture
def user_client(client, db):
    """A client of the admin, logged in."""
    client.force_login(get_user_model().objects.create_superuser("ada"))
    return client


def post_large(caller: Caller, route: str = "/predict", megabytes: float = 1.5):
    return caller.raw(route, b" " * int(megabytes * MB))


def caller_of(name: str = "team", **scope) -> Caller:
    _, plain = keys.new_key(name, actor="test", **scope)
    return Caller(f"/k/{plain}")


def page_of(user_client, project=None) -> str:
    path = f"registry/project/{project.pk}/change/" if project else ""
    return unescape(user_client.get(f"/admin/{path}").content.decode())


def test_a_selection_that_is_too_large_is_a_row_and_needs_attention(user_client, settings):
    project = make.ProjectFactory()
    assert post_large(caller_of()).status_code == 413
    (event,) = Event.objects.filter(source=REFUSED)
    assert (event.project, event.action, event.status) == (None, "POST /predict", "ignored")
    assert event.outcome.startswith("Refused with 413:")
    expected = {"code": "body_too_large", "bytes": int(1.5 * MB), "caller": "key team"}
    assert expected.items() <= event.payload.items()
    for page in (page_of(user_client), page_of(user_client, project)):
        assert "POST /predict was refused: 1.5 MB are more than MAX_REQUEST_MB=1" in page
        assert "It came with key team; as it was not read, its project is not known." in page
        assert "Label Studio says that it retrieved predictions, and has stored none" in page
        assert "Set MAX_REQUEST_MB=2 and restart" in page
        assert f"/admin/registry/event/{event.pk}/change/" in page
    settings.MAX_REQUEST_MB = 2  # as the cure says
    assert "was refused" not in page_of(user_client)


@pytest.mark.parametrize(
    ("route", "body", "headers", "status", "reason", "cure"),
    [
        ("webhook", b"", CHUNKED, 411, "it has no Content-Length", "Content-Length (nginx"),
        ("webhook", b"<html>", {}, 400, "The body is not valid JSON", "a proxy changes or cuts"),
        ("predict", b'{"tasks": 3}', {}, 400, '"tasks" is not a list', "another program calls"),
    ],
)
def test_a_body_without_length_or_json_is_a_row_with_its_reason(
    user_client, route, body, headers, status, reason, cure
):
    assert caller_of().raw(f"/{route}", body, **headers).status_code == status
    assert Event.objects.get(source=REFUSED).payload["status"] == status
    page = page_of(user_client)
    assert f"POST /{route} was refused: {reason}" in page
    assert cure in page
    assert ("the next sync reads what it announced" in page) == (route == "webhook")


def test_a_refusal_is_listed_for_the_scope_of_the_key(user_client):
    own, other = make.ProjectFactory(hostname="http://a"), make.ProjectFactory(hostname="http://b")

    def listed() -> tuple[bool, ...]:
        return tuple("was refused" in page_of(user_client, project) for project in (own, other))

    post_large(caller_of("bound", project=own))
    assert Event.objects.get(source=REFUSED).project == own
    assert listed() == (True, False)
    Event.objects.all().delete()
    post_large(caller_of("pinned", hostname="http://b"))
    assert Event.objects.get(source=REFUSED).project is None
    assert listed() == (False, True)


@pytest.mark.django_db
def test_a_refused_caller_leaves_no_row():
    for caller in (Caller(), Caller(f"/k/{'a' * 32}")):
        assert post_large(caller).status_code == 401
        assert caller.raw("/webhook", b"", **CHUNKED).status_code == 401
        assert caller.raw("/webhook", b"{").status_code == 401
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_flood_makes_one_row_of_a_kind_an_hour():
    caller = caller_of()
    for megabytes in (1.5, 1.9, 1.2) * 10:
        post_large(caller, megabytes=megabytes)
        caller.raw("/webhook", b"{")
    assert Event.objects.filter(source=REFUSED).count() == 2
    post_large(caller, megabytes=5)  # of another order: another value of the setting mends it
    post_large(caller, "/webhook")
    post_large(caller_of("another"))
    assert Event.objects.filter(source=REFUSED).count() == 5
    Event.objects.update(received_at=timezone.now() - refusals.RECORDED_EVERY)
    post_large(caller)
    assert Event.objects.filter(source=REFUSED).count() == 6


@pytest.mark.django_db
def test_claimed_sizes_without_end_make_few_rows():
    for power in range(10, 300):
        refusals.record(
            refusals.Refusal("predict", "body_too_large", 413, "Too long.", 2**power, "key x")
        )
    assert Event.objects.filter(source=REFUSED).count() <= 21


def test_the_alert_goes_after_a_day_and_the_row_after_its_time(user_client):
    post_large(caller_of())
    Event.objects.update(received_at=timezone.now() - timedelta(hours=25))
    assert "was refused" not in page_of(user_client)
    Event.objects.update(received_at=timezone.now() - timedelta(days=31))
    assert events.purge_problems(timezone.now() - timedelta(days=30)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_body_is_not_read_before_it_is_refused(live_server):
    """The answer comes before a byte of the body is sent."""
    connection = http.client.HTTPConnection(live_server.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", f"{caller_of().base}/predict")
    connection.putheader("Content-Length", str(70 * MB))
    connection.endheaders()
    assert connection.getresponse().status == 413
    assert Event.objects.get(source=REFUSED).payload["bytes"] == 70 * MB
    connection.close()


@pytest.mark.django_db
def test_a_refusal_that_cannot_be_recorded_is_answered_all_the_same(monkeypatch, caplog):
    def fails(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr("mlapi.ingest.refusals.record", fails)
    assert post_large(caller_of()).status_code == 413
    assert "refusal_not_recorded" in caplog.text
