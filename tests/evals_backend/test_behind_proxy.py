"""The server behind a reverse proxy, under a path: our server, a proxy, and what Label Studio does.

Label Studio is a small server here, which stores backends and webhooks and calls a backend when
they are listed, as the real one does (tests/mlapi/labelstudio_client has that one).
"""

import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from mlapi.labelstudio.client import LabelStudio
from mlapi.mirror import webhook_repair
from registry.actions import keys
from registry.models import Event, Project
from tests.factories import LABEL_CONFIG
from tests.http_server import serve
from tests.mlapi.media.certificate import certificate_of, server_tls
from tests.ports import free_port
from tests.postgres import database_url
from tests.waiting import eventually

from .reverse_proxy import ReverseProxy
from .running import ROOT, STOPPED_WITHIN_S, environment

UID = "3.1795418447"
PROJECT = {"id": 3, "created_at": "2026-11-23T07:20:47Z"}


class StoredInLabelStudio:
    """The ML backends and webhooks of one project, over HTTP."""

    def __init__(self) -> None:
        self.backends: list[dict] = []
        self.webhooks: list[dict] = []

    def __enter__(self) -> "StoredInLabelStudio":
        stored = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/api/ml"):
                    for backend in stored.backends:
                        with suppress(httpx.TransportError):
                            stored.set_up(backend["url"])
                    return self.reply(stored.backends)
                return self.reply(stored.webhooks)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stored.webhooks.append({**body, "id": len(stored.webhooks) + 1})
                self.reply(stored.webhooks[-1])

            def reply(self, body: object) -> None:
                content = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        serve(self._server)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def set_up(self, url: str) -> httpx.Response:
        """Call the backend's /setup, as for each page."""
        body = {"project": UID, "schema": LABEL_CONFIG, "hostname": self.url, "access_token": "t"}
        return httpx.post(f"{url}/setup", json=body, verify=False, timeout=60)

    def connect(self, url: str) -> Project:
        """Store the URL with a webhook, as when a user connects it, and nothing else."""
        response = self.set_up(url)
        assert response.status_code == 200, (response.status_code, response.text)
        self.backends[:] = [{"url": url}]
        hook = {"url": f"{url}/webhook", "is_active": True, "headers": {}}
        self.webhooks[:] = [{**hook, "id": 1, "send_payload": True, "send_for_all_actions": True}]
        return Project.objects.get(uid=UID)


@pytest.fixture
def stored() -> Iterator[StoredInLabelStudio]:
    with StoredInLabelStudio() as opened:
        yield opened


@pytest.fixture
def web(transactional_db, tmp_path) -> Iterator:
    """`web(**settings)`: our web process on the tests' database; its port."""
    started: list[subprocess.Popen] = []

    def start(**settings: str) -> int:
        port = free_port()
        log = open(tmp_path / "web.log", "ab")  # noqa: SIM115 - the process writes it
        env = environment(
            tmp_path / "data",
            PORT=str(port),
            DATABASE_URL=database_url(),
            WEB_WORKERS="1",
            **settings,
        )
        command = [sys.executable, "-m", "evals_backend.serve", "web"]
        started.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log))
        log.close()
        assert eventually(lambda: _answers(port)), (tmp_path / "web.log").read_text()
        return port

    yield start
    for process in started:
        process.terminate()
        process.wait(STOPPED_WITHIN_S)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def tls(folder: Path) -> ssl.SSLContext:
    return server_tls(certificate_of("localhost", folder))


def test_a_key_is_enough_to_recognise_the_backend_behind_any_proxy(web, stored, tmp_path):
    port = web()
    proxies = {
        "path cut off": ReverseProxy(port),
        "path cut off, Host not kept": ReverseProxy(port, keeps_host=False),
        "SCRIPT_NAME": ReverseProxy(port, cuts_path=False, headers={"SCRIPT_NAME": "/ml"}),
        "SCRIPT_NAME/": ReverseProxy(port, cuts_path=False, headers={"SCRIPT_NAME": "/ml/"}),
        "TLS": ReverseProxy(port, tls=tls(tmp_path), path=""),
        "TLS and all": ReverseProxy(port, tls=tls(tmp_path), keeps_host=False),
    }
    _, key = keys.new_key("test", actor="test")
    for name, proxy in proxies.items():
        with proxy:
            _connected_and_mended(stored, f"{proxy.url}/k/{key}", name)


@pytest.mark.nightly
def test_without_a_key_the_url_of_label_studio_is_compared(web, stored, settings, tmp_path):
    settings.ALLOW_ANONYMOUS = True
    port = web(ALLOW_ANONYMOUS="true")
    with ReverseProxy(port) as cuts:
        _connected_and_mended(stored, cuts.url, "only one at this host")
    with ReverseProxy(port, path="", tls=tls(tmp_path)) as secure:
        _connected_and_mended(stored, secure.url, "TLS")
    with ReverseProxy(port, keeps_host=False) as hides:
        project = stored.connect(hides.url)
        with LabelStudio(stored.url, "t") as labelstudio:
            with pytest.raises(webhook_repair.NoWebhookUrl, match="points here") as raised:
                webhook_repair.check(labelstudio, project, fix=True)
            assert "PUBLIC_URL" in raised.value.hint
            settings.PUBLIC_URL = hides.url
            assert "gets all events" in webhook_repair.check(labelstudio, project)


@pytest.mark.nightly
def test_another_backend_at_another_host_or_beside_is_not_taken_for_this_one(web, stored, settings):
    settings.ALLOW_ANONYMOUS = True
    port = web(ALLOW_ANONYMOUS="true")
    with ReverseProxy(port) as proxy, LabelStudio(stored.url, "t") as labelstudio:
        project = stored.connect(proxy.url)
        stored.webhooks.clear()
        host = proxy.url.removesuffix("/ml")
        for others in (["http://127.0.0.1:1/ml"], [f"{host}/a", f"{host}/b"]):
            stored.backends[:] = [{"url": url} for url in others]
            with pytest.raises(webhook_repair.NoWebhookUrl):
                webhook_repair.check(labelstudio, project, fix=True)
        assert stored.webhooks == []


@pytest.mark.nightly
def test_a_url_that_is_only_assumed_to_be_ours_gets_no_password(web, stored, settings):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "geheim"
    port = web(BASIC_AUTH_USER="anna", BASIC_AUTH_PASS="geheim", ALLOW_ANONYMOUS="true")
    with ReverseProxy(port) as proxy, LabelStudio(stored.url, "t") as labelstudio:
        project = stored.connect(proxy.url)
        project.knows_password = True
        stored.webhooks.clear()
        with pytest.raises(webhook_repair.NoWebhookUrl):
            webhook_repair.check(labelstudio, project, fix=True)
        assert stored.webhooks == []
        settings.PUBLIC_URL = proxy.url
        webhook_repair.check(labelstudio, project, fix=True)
        assert stored.webhooks[0]["headers"]["Authorization"].startswith("Basic ")


def test_with_public_url_links_and_routes_are_under_its_path(web):
    _, key = keys.new_key("test", actor="test")
    port = web(PUBLIC_URL="http://127.0.0.1/ml")
    for proxy in (
        ReverseProxy(port),
        ReverseProxy(port, cuts_path=False),
        ReverseProxy(port, cuts_path=False, headers={"SCRIPT_NAME": "/ml"}),
        ReverseProxy(port, headers={"X-Forwarded-Prefix": "/elsewhere"}),
    ):
        with proxy:
            assert httpx.get(f"{proxy.url}/k/{key}/versions", timeout=60).status_code == 200
            assert httpx.get(f"{proxy.url}/k/{'a' * 32}/versions", timeout=60).status_code == 401
            login = httpx.get(f"{proxy.url}/admin/", timeout=60)
            assert login.headers["location"] == "/ml/admin/login/?next=/ml/admin/"
            page = httpx.get(f"{proxy.url}/admin/login/", timeout=60).text
            links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
            assert links and all(link.startswith("/ml/") for link in links)
    direct = f"http://127.0.0.1:{port}"
    assert httpx.get(f"{direct}/k/{key}/versions", timeout=60).status_code == 200
    assert httpx.get(f"{direct}/mlx/health", timeout=60).status_code == 404


@pytest.mark.nightly
def test_a_path_that_is_not_configured_is_not_taken_off_and_says_what_to_set(web):
    port = web()
    with ReverseProxy(port, cuts_path=False, headers={"X-Forwarded-Prefix": "/ml"}) as proxy:
        response = httpx.get(f"{proxy.url}/health", timeout=60)
    assert response.status_code == 404
    assert "PUBLIC_URL" in response.reason_phrase


def _connected_and_mended(stored: StoredInLabelStudio, url: str, case: str) -> None:
    """The connection is complete, and a deleted webhook is created again and delivers."""
    project = stored.connect(url)
    with LabelStudio(stored.url, "t") as labelstudio:
        assert "gets all events" in webhook_repair.check(labelstudio, project), case
        stored.webhooks.clear()
        with pytest.raises(webhook_repair.WebhookMisconfigured):
            webhook_repair.check(labelstudio, project)
        assert "gets all events now" in webhook_repair.check(labelstudio, project, fix=True), case
    (hook,) = stored.webhooks
    assert hook["url"] == f"{url}/webhook", case
    event = {"action": "PROJECT_UPDATED", "project": PROJECT}
    assert httpx.post(hook["url"], json=event, verify=False, timeout=60).status_code == 201, case
    assert Event.objects.filter(project=project, action="PROJECT_UPDATED").exists(), case
    Event.objects.all().delete()
