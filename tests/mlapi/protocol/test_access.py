"""Keys, passwords and tokens: what opens the routes, and what is left of a key afterwards."""

import base64
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from mlapi.middleware import AccessKeyMiddleware
from registry.actions import keys, tokens
from registry.models import AccessKey
from tests.factories import AccessKeyFactory
from tests.mlapi.caller import Caller, queries

KEY = "abcdefghijklmnopqrstuvwxyz234567"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def behind_middleware(path: str, **extra):
    """The request as it is behind the middleware."""
    request = RequestFactory().get(path, **extra)
    AccessKeyMiddleware(lambda r: HttpResponse())(request)
    return request


def test_the_key_is_taken_out_of_everything_that_is_logged():
    request = behind_middleware(
        f"/k/{KEY}/setup",
        query_params={"a": "b"},
        RAW_URI=f"/k/{KEY}/setup?a=b",
        REQUEST_URI=f"/k/{KEY}/setup?a=b",
        HTTP_X_ORIGINAL_URI=f"/k/{KEY}/setup",
        HTTP_REFERER=f"http://here/k/{KEY}/setup",
    )
    assert request.access_key == KEY
    assert (request.path, request.path_info) == ("/setup", "/setup")
    assert request.get_full_path() == "/setup?a=b"
    assert request.META["RAW_URI"] == "/setup?a=b"
    assert KEY not in str(request.META)


def test_the_base_path_of_a_proxy_stays():
    request = behind_middleware(f"/k/{KEY}/health", SCRIPT_NAME="/base")
    assert request.path_info == "/health"
    assert request.path == "/base/health"


@pytest.mark.parametrize(
    ("path", "route"),
    [(f"/k/{KEY}", "/"), (f"/k/{KEY}/", "/"), (f"/k/{KEY}/versions/", "/versions/")],
)
def test_the_path_after_the_key_is_the_route(path, route):
    assert behind_middleware(path).path_info == route


def test_a_path_without_a_key_is_left_alone():
    request = behind_middleware("/kept/k")
    assert request.access_key is None
    assert request.path_info == "/kept/k"
    assert not hasattr(request, "urlconf")


def test_a_key_behind_an_unknown_base_path_is_not_used_and_not_logged():
    request = behind_middleware(f"/base/k/{KEY}/setup", RAW_URI=f"/base/k/{KEY}/setup")
    assert request.access_key is None
    assert KEY not in str(request.META) + request.path + request.path_info


def test_other_letters_than_ascii_survive():
    request = behind_middleware(f"/k/{KEY}/%C3%A9")
    assert request.path_info == "/é"
    assert request.META["PATH_INFO"].encode("latin-1").decode() == "/é"


@pytest.mark.django_db
def test_a_revoked_key_is_refused(key, call):
    assert call.get("/versions").status_code == 200
    keys.revoke(key, actor="tester")
    assert call.get("/versions").status_code == 401


@pytest.mark.django_db
def test_the_use_of_a_key_is_written_at_most_once_a_minute():
    made = AccessKeyFactory()
    caller = Caller(f"/k/{made.plain}")
    with queries(3):  # the key, its use, the versions
        caller.get("/versions")
    first = AccessKey.objects.get(pk=made.pk).last_used_at
    with queries(2):
        caller.get("/versions")
    assert AccessKey.objects.get(pk=made.pk).last_used_at == first
    AccessKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    caller.get("/versions")
    assert AccessKey.objects.get(pk=made.pk).last_used_at >= first


@pytest.mark.django_db
def test_basic_credentials_are_accepted_and_wrong_ones_are_refused_at_health_too(settings):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "pässword"
    right = Caller(authorization=basic("anna", "pässword"))
    assert right.get("/versions").status_code == 200
    assert right.get("/health").status_code == 200
    for wrong in (
        basic("anna", "no"),
        basic("bert", "pässword"),
        basic("", ""),
        "Basic !!!",
        "Basic ",
    ):
        caller = Caller(authorization=wrong)
        for route in ("/health", "/", "/versions"):
            answer = caller.get(route)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "credentials_wrong"
    assert Caller().get("/health").status_code == 200


@pytest.mark.django_db
def test_without_a_password_set_no_basic_credentials_are_right(settings):
    settings.BASIC_AUTH_USER = settings.BASIC_AUTH_PASS = ""
    assert Caller(authorization=basic("", "")).get("/versions").status_code == 401
    settings.BASIC_AUTH_USER = "anna"
    assert Caller(authorization=basic("anna", "")).get("/versions").status_code == 401


@pytest.mark.django_db
def test_a_token_is_accepted_while_its_user_is_active():
    user = get_user_model().objects.create_superuser("anna")
    token = tokens.new_token(user)
    caller = Caller(authorization=f"Token {token}")
    assert caller.get("/versions").status_code == 200
    assert Caller(authorization=f"Bearer {token}").get("/versions").status_code == 200
    user.is_active = False
    user.save()
    assert caller.get("/versions").status_code == 401
    assert Caller(authorization="Token wrong").get("/versions").status_code == 401


@pytest.mark.django_db
def test_anonymous_callers_are_let_in_only_if_it_is_set_and_wrong_keys_never(settings):
    settings.ALLOW_ANONYMOUS = True
    assert Caller().get("/versions").status_code == 200
    assert Caller("/k/" + KEY).get("/versions").status_code == 401
    # As the official backend: credentials that are not required are not checked.
    assert Caller(authorization=basic("u", "p")).get("/versions").status_code == 200
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "x"
    assert Caller(authorization=basic("u", "p")).get("/versions").status_code == 401
