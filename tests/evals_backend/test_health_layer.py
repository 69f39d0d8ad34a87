"""The layer before Django: the same answers as by the view, and which requests it leaves to it."""

import base64
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler

from evals_backend.health_layer import HealthLayer
from mlapi.monitoring import counters
from tests.wsgi import open_connection

__all__ = ["open_connection"]

pytestmark = pytest.mark.usefixtures("open_connection")
KEY = "/k/" + "a" * 32


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


class CountingApplication:
    """Django, with the number of requests that came through to it."""

    def __init__(self) -> None:
        self.requests = 0
        self._django = WSGIHandler()

    def __call__(self, environ, start_response):
        self.requests += 1
        return self._django(environ, start_response)


@pytest.fixture
def django() -> CountingApplication:
    return CountingApplication()


def answer(application, path: str, method: str = "GET", **environ: str) -> tuple:
    """Status, headers and body of an application's answer."""
    sent = {"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_HOST": "localhost:9090", **environ}
    setup_testing_defaults(sent)
    head = []
    result = application(sent, lambda status, headers: head.extend((status, sorted(headers))))
    try:
        return *head, b"".join(result)
    finally:
        getattr(result, "close", lambda: None)()


def without_id(found: tuple) -> tuple:
    """The answer without the id of its request, which an error has."""
    status, headers, body = found
    return status, headers, body.partition(b',"request_id"')[0]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["", "/", "/health", "/health/"])
@pytest.mark.parametrize("prefix", ["", KEY, "/k/x" + KEY, "/base", "/base" + KEY])
def test_a_repeated_answer_is_the_views_own(prefix, path, method, django, settings):
    settings.PUBLIC_URL = "http://ml.example.com/base"
    layer = HealthLayer(django)
    expected = answer(WSGIHandler(), prefix + path, method)
    assert [answer(layer, prefix + path, method) for _ in range(3)] == [expected] * 3
    assert expected[0] == "200 OK"
    assert django.requests == 1


def test_paths_of_one_kind_share_an_answer_and_with_a_key_it_is_another(django):
    layer = HealthLayer(django)
    for path in ("/health", "/health/", KEY + "/health", "/k/other/health/"):
        assert answer(layer, path) == answer(WSGIHandler(), path)
    assert django.requests == 2


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_AUTHORIZATION": basic("anna:no")}, "401 "),
        ({"HTTP_AUTHORIZATION": basic("bert:secret")}, "401 "),
        ({"HTTP_AUTHORIZATION": "Basic !!!"}, "401 "),
        ({"HTTP_HOST": "evil.example"}, "400 "),
        ({"HTTP_HOST": "localhost:port"}, "400 "),
        ({"REQUEST_METHOD": "POST"}, "405 "),
        ({"REQUEST_METHOD": "OPTIONS"}, "405 "),
    ],
)
def test_what_is_not_allowed_is_answered_by_django_although_an_answer_is_known(
    environ, status, django, settings
):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "secret"
    layer = HealthLayer(django)
    answer(layer, "/health")
    sent = {"method": environ.get("REQUEST_METHOD", "GET"), **environ}
    sent.pop("REQUEST_METHOD", None)
    refused = answer(layer, "/health", **sent)
    assert refused[0].startswith(status)
    assert without_id(refused) == without_id(answer(WSGIHandler(), "/health", **sent))
    assert django.requests == 2


def test_right_credentials_and_those_beside_a_key_need_no_django(django, settings):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "secret"
    layer = HealthLayer(django)
    for path, credentials in (("/health", "anna:secret"), (KEY + "/health", "anna:no")):
        sent = {"HTTP_AUTHORIZATION": basic(credentials)}
        assert [answer(layer, path, **sent)[0] for _ in range(2)] == ["200 OK"] * 2
    assert django.requests == 2


def test_a_change_of_the_settings_that_decide_counts_at_once(django, settings):
    layer = HealthLayer(django)
    answer(layer, "/health")
    settings.ALLOWED_HOSTS = ["ml.example.com"]
    assert answer(layer, "/health")[0].startswith("400 ")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("prefix", ["", "/base"])
def test_a_browser_that_opens_the_bare_address_goes_to_the_admin(prefix, django, settings):
    settings.PUBLIC_URL = "http://ml.example.com/base"
    layer = HealthLayer(django)
    assert answer(layer, prefix + "/")[0] == "200 OK"
    for _ in range(2):  # the health's cached answer is not its answer
        status, headers, _ = answer(layer, prefix + "/", HTTP_ACCEPT=BROWSER)
        assert status == "302 Found"
        assert dict(headers)["Location"].endswith("/admin/")
    for path in ("/health", KEY, KEY + "/"):
        assert answer(layer, prefix + path, HTTP_ACCEPT=BROWSER)[0] == "200 OK"
    for accept in ("*/*", "application/json", ""):  # Label Studio's requests, and probes
        assert answer(layer, prefix + "/", HTTP_ACCEPT=accept)[0] == "200 OK"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/healthy", "/versions", "/k/", KEY + "/versions", "/k", "health"]
)
def test_other_paths_are_djangos(path, django):
    layer = HealthLayer(django)
    answer(layer, "/health")
    assert without_id(answer(layer, path)) == without_id(answer(WSGIHandler(), path))


def test_a_repeated_answer_is_counted_and_logged_without_its_key(django, caplog):
    caplog.set_level("INFO")
    layer = HealthLayer(django)

    def counted() -> float:
        return counters.REQUESTS.labels("health", "GET", "200")._value.get()

    before = counted()
    for _ in range(3):
        answer(layer, KEY + "/health", QUERY_STRING="a=b")
    assert counted() == before + 3
    lines = [r for r in caplog.records if r.msg == "request_finished"]
    assert [r.request for r in lines] == ["GET /health?a=b"] * 3
    assert len({r.request_id for r in lines}) == 3
