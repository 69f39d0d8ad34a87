"""Every route, with and without a slash, with and without a key; and what opens it."""

import pytest
from django.test import RequestFactory
from django.urls import resolve

from mlapi.authentication import ProtocolAuthentication
from mlapi.errors import KeyUnknown
from mlapi.urls import ROUTES
from mlapi.views import ProtocolView
from tests.mlapi.caller import Caller, queries

OPEN = {"health"}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("route", sorted(ROUTES))
@pytest.mark.django_db
def test_each_route_exists_with_and_without_a_slash_and_a_key(route, slash, call, anonymous_caller):
    for caller in (call, anonymous_caller):
        answers = {caller.get(f"/{route}{slash}").status_code}
        answers.add(caller.post(f"/{route}{slash}").status_code)
        assert 404 not in answers
        assert answers != {405}
    assert resolve(f"/{route}{slash}").url_name == route


@pytest.mark.parametrize("route", sorted(set(ROUTES) - OPEN - {"ready"}))
@pytest.mark.django_db
def test_an_anonymous_caller_is_refused_everywhere_but_at_health_and_ready(route, anonymous_caller):
    for answer in (anonymous_caller.get(f"/{route}"), anonymous_caller.post(f"/{route}")):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "credentials_missing"
        assert "access_key new" in answer.reason_phrase


@pytest.mark.parametrize("route", sorted(set(ROUTES) - OPEN))
@pytest.mark.django_db
def test_an_unknown_key_is_refused(route):
    answer = Caller("/k/" + "a" * 32).post(f"/{route}")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "key_unknown"


@pytest.mark.parametrize("path", ["/", "/health", "/health/"])
def test_health_needs_no_credentials_and_no_query(path, anonymous_caller):
    """Without the `db` mark any query would fail the test."""
    answer = anonymous_caller.get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "UP"
    assert set(answer.json()) == {"status", "version", "model_class"}


def test_health_under_a_key_needs_no_query_either():
    assert Caller("/k/" + "a" * 32).get("/health").status_code == 200
    assert Caller("/k/" + "a" * 32).get("").status_code == 200


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/api/", "/api/projects/", "/k/x/setup"]
)
@pytest.mark.django_db
def test_a_key_leads_to_no_admin_and_no_rest(path, call):
    answer = call.get(path)
    if path.startswith("/k/"):  # two prefixes: the last one is checked, and is no key
        assert answer.status_code in (401, 405)
        assert call.post(path).status_code == 401
    else:
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "route_unknown"


@pytest.mark.django_db
def test_a_wrong_method_is_405(call):
    answer = call.get("/setup")
    assert answer.status_code == 405
    assert "POST" in answer["Allow"]
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert call.client.delete(call.base + "/versions").status_code == 405
    assert call.client.options(call.base + "/predict").status_code == 405


class _UnreadableBody:
    def read(self, *args):
        raise AssertionError("the body was read")


@pytest.mark.django_db
def test_the_key_is_checked_before_the_body_is_read():
    request = RequestFactory().post("/predict", b"{}", content_type="application/json")
    request._stream = _UnreadableBody()
    request.access_key = "wrong"
    answer = ROUTES["predict"].as_view()(_resolved(request))
    assert answer.status_code == 401
    with pytest.raises(KeyUnknown):
        ProtocolAuthentication().authenticate(request)


def _resolved(request):
    request.resolver_match = resolve(request.path_info)
    return request


def test_every_route_is_a_protocol_view():
    assert all(issubclass(view, ProtocolView) for view in ROUTES.values())


@pytest.mark.django_db
def test_an_unknown_route_is_a_json_error(anonymous_caller):
    with queries(0):
        answer = anonymous_caller.get("/predictions")
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message", "hint", "request_id"}


@pytest.mark.django_db
def test_an_unknown_path_above_a_route_says_what_to_set(anonymous_caller):
    answer = anonymous_caller.get("/ml/health")
    assert answer.status_code == 404
    assert "PUBLIC_URL" in answer.reason_phrase
