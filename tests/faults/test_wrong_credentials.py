"""Guesses of passwords, keys and tokens: only their sender is slowed."""

import base64
import re

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.test import Client

from evals_backend.health_layer import HealthLayer
from registry import throttle
from registry.actions import keys, tokens
from tests.evals_backend.test_health_layer import CountingApplication, answer
from tests.factories import AccessKeyFactory
from tests.mlapi.caller import Caller

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
PROXY = {"REMOTE_ADDR": "10.0.0.1"}  # everybody's address


@pytest.fixture
def clock(monkeypatch):
    """The time of the limits, which a test may move on."""

    class Clock:
        now = 1000.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(throttle, "monotonic", clock)
    return clock


@pytest.fixture
def anna():
    return User.objects.create_superuser("anna", password="right")


@pytest.fixture
def wrong_checks():
    """The users of the wrong passwords that were checked: each check costs about a second."""
    found: list[str] = []

    def note(credentials, **_):
        found.append(credentials["username"])

    user_login_failed.connect(note)
    yield found
    user_login_failed.disconnect(note)


def log_in(client: Client, user: str, password: str):
    return client.post(LOGIN, {"username": user, "password": password})


def test_of_25_wrong_logins_few_are_checked_and_the_rest_get_a_retry_after(
    anna, wrong_checks, clock
):
    client = Client(**PROXY)
    answers = [log_in(client, "anna", f"wrong {i}") for i in range(25)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 20
    assert len(wrong_checks) == 5
    assert log_in(client, "anna", "right").status_code == 429
    clock.now += int(answers[-1]["Retry-After"])
    assert log_in(client, "anna", "right").status_code == 302


def test_other_names_are_tried_from_an_address_at_most_every_few_seconds(wrong_checks, clock):
    client = Client(**PROXY)
    answers = [log_in(client, f"user{i}", "x") for i in range(60)]
    assert len(wrong_checks) == 20
    assert answers[-1].status_code == 429
    clock.now += 30
    for i in range(60):
        log_in(client, f"other{i}", "x")
    assert len(wrong_checks) == 30


def test_a_name_that_is_tried_from_many_addresses_is_slowed_too(anna, wrong_checks, clock):
    for i in range(60):
        log_in(Client(REMOTE_ADDR=f"10.1.0.{i}"), "anna", "x")
    assert len(wrong_checks) == 20


def test_a_browser_that_logged_in_before_is_not_locked_out(anna, clock):
    """Guesses for its user, or from its address, do not count against it."""
    own = Client(**PROXY)
    assert log_in(own, "anna", "right").status_code == 302
    own.post("/admin/logout/")
    assert not own.cookies["sessionid"].value
    stranger = Client(**PROXY)
    for name in ["anna"] * 30 + [f"user{i}" for i in range(30)]:
        log_in(stranger, name, "x")
    assert log_in(stranger, "anna", "right").status_code == 429
    assert log_in(own, "anna", "right").status_code == 302


def test_a_known_browser_is_limited_itself(anna, wrong_checks, clock):
    own = Client(**PROXY)
    log_in(own, "anna", "right")
    for _ in range(30):
        log_in(own, "anna", "x")
    assert len(wrong_checks) == 10
    assert log_in(own, "another", "x").status_code == 200  # it is known for its user only
    own.cookies["known_browser"] = "made up"
    assert log_in(own, "anna", "right").status_code == 302  # a stranger's attempts
    assert log_in(Client(**PROXY), "anna", "right").status_code == 302


def test_right_logins_are_not_counted(anna, clock):
    for _ in range(30):
        assert log_in(Client(**PROXY), "anna", "right").status_code == 302


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anna:{password}".encode()).decode()


@pytest.mark.parametrize("route", ["/versions", "/health"])
def test_passwords_are_not_guessed_on_any_route(settings, route, clock):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "right"
    right, wrong = Caller(authorization=basic("right")), []
    assert right.get(route).status_code == 200
    for i in range(40):
        wrong.append(Caller(authorization=basic(f"wrong {i}")).get(route))
    assert [a.status_code for a in wrong] == [401] * 20 + [429] * 20
    assert wrong[-1].json()["error"]["code"] == "too_many_attempts"
    assert int(wrong[-1]["Retry-After"]) >= 1
    assert right.get(route).status_code == 200
    clock.now += 60
    assert Caller(authorization=basic("wrong again")).get(route).status_code == 401


def test_the_layer_before_django_lets_no_guess_by(settings, clock):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "right"
    layer = HealthLayer(CountingApplication())
    found = {answer(layer, "/health", HTTP_AUTHORIZATION=basic(f"wrong {i}"))[0] for i in range(40)}
    assert {status[:3] for status in found} == {"401", "429"}
    right = answer(layer, "/health", HTTP_AUTHORIZATION=basic("right"))
    assert right[0].startswith("429")  # a first right guess is not reported either


def key_caller(plain: str) -> Caller:
    return Caller(f"/k/{plain}")


def token_caller(plain: str) -> Caller:
    return Caller(authorization=f"Token {plain}")


@pytest.mark.parametrize("kind", ["key", "token"])
def test_wrong_keys_and_tokens_are_slowed_and_right_ones_are_not(
    kind, clock, django_assert_max_num_queries
):
    call = {"key": key_caller, "token": token_caller}[kind]
    right = AccessKeyFactory().plain if kind == "key" else token("anna")
    assert call(right).get("/versions").status_code == 200
    answers = [call(f"{i:032}").get("/versions") for i in range(150)]
    assert [a.status_code for a in answers] == [401] * 100 + [429] * 50
    assert answers[-1]["Retry-After"] == "1"
    with django_assert_max_num_queries(0):
        assert call("x" * 32).get("/versions").status_code == 429
    assert call(right).get("/versions").status_code == 200
    new = AccessKeyFactory().plain if kind == "key" else token("bert")
    clock.now += 1
    assert call(new).get("/versions").status_code == 200


def test_a_revoked_key_that_label_studio_goes_on_using_is_looked_up_now_and_then(clock):
    made = AccessKeyFactory()
    call = key_caller(made.plain)
    assert call.get("/versions").status_code == 200
    keys.revoke(made, actor="tester")
    answers = [call.post("/webhook", {"action": "X"}) for _ in range(20)]
    assert [a.status_code for a in answers] == [401] * 10 + [429] * 10
    clock.now += int(answers[-1]["Retry-After"])
    assert call.get("/versions").status_code == 401


def test_rest_slows_wrong_tokens_too(clock):
    for _ in range(20):
        found = token_caller("wrong").get("/api/projects/")
    assert found.status_code == 429
    assert re.fullmatch("[1-9]", found["Retry-After"])


def token(name: str) -> str:
    return tokens.new_token(User.objects.create_superuser(name))


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "_NAMES_MAX", 100)
    limited = throttle.Throttle(burst=2, every_s=60)
    for i in range(1000):
        limited.take(f"{i}")
    assert len(limited._free_at) <= 100
    assert limited.take("999") == 0 and limited.take("999") > 0
