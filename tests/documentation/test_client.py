"""The client: its modules are those that the OpenAPI schema makes, and it depends on little."""

import importlib.util
import json
import re
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import ModuleType

import yaml
from click.testing import CliRunner

from tests.documentation.pages import ROOT, text_of

CLIENT = ROOT / "client"


def generator() -> ModuleType:
    found = importlib.util.spec_from_file_location("generate", CLIENT / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_modules_are_those_of_the_schema():
    for name, content in generator().modules().items():
        assert (CLIENT / "evals_client" / name).read_text() == content, (
            "docs/openapi.yaml has changed: run `python client/generate.py`."
        )


def test_each_operation_of_rest_is_a_method_of_its_own(monkeypatch):
    monkeypatch.syspath_prepend(CLIENT)
    from evals_client.operations import OPERATIONS

    paths = yaml.safe_load(text_of("docs/openapi.yaml"))["paths"]
    routes = {
        (method.upper(), path): described
        for path, methods in paths.items()
        for method, described in methods.items()
        if method != "parameters"
    }
    operations = {(one.method, one.path): one for one in OPERATIONS}
    assert set(operations) == set(routes)
    assert len({(one.resource, one.name) for one in OPERATIONS}) == len(OPERATIONS) == len(routes)
    for key, described in routes.items():
        in_url = {(p["name"], p["in"]) for p in described.get("parameters", ())}
        sent = {(p.name, p.place) for p in operations[key].parameters if p.place != "body"}
        assert sent == in_url - {("cursor", "query")}


def test_a_secret_is_entered_at_a_prompt_that_does_not_echo_it(monkeypatch):
    monkeypatch.syspath_prepend(CLIENT)
    from evals_client.command import evals

    monkeypatch.delenv("EVALS_PROJECTS_SET_CREDENTIALS_KEY", raising=False)
    words = ["--url", "http://127.0.0.1:9", "--token", "t", "projects", "set-credentials", "1"]
    printed = CliRunner().invoke(evals, [*words, "--url", "http://ls"], input="a-secret\n").output
    assert "Key:" in printed
    assert "a-secret" not in printed


def test_an_empty_secret_is_sent_if_entered_and_a_variable_replaces_the_prompt(monkeypatch):
    monkeypatch.syspath_prepend(CLIENT)
    from evals_client.command import evals

    bodies = []

    class Backend(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    with HTTPServer(("127.0.0.1", 0), Backend) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        words = ["--url", url, "--token", "t", "projects", "set-credentials", "1", "--url", ""]
        variable = "EVALS_PROJECTS_SET_CREDENTIALS_KEY"
        ended = CliRunner().invoke(evals, words, input="\n", env={variable: ""})
        CliRunner().invoke(evals, words, env={variable: "a-secret"})
        server.shutdown()

    assert ended.exit_code == 0, ended.output
    assert ended.output.startswith("Key: \n")
    assert bodies == [{"url": "", "key": ""}, {"url": "", "key": "a-secret"}]


def test_it_needs_what_it_imports_and_nothing_of_the_backend():
    project = tomllib.loads(text_of("client/pyproject.toml"))["project"]
    needs = {re.match(r"[a-z]+", one)[0] for one in project["dependencies"]}
    sources = [path.read_text() for path in (CLIENT / "evals_client").glob("*.py")]
    imported = {
        name
        for source in sources
        for name in re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)
    }
    assert needs == {"httpx", "click", "rich"}
    assert needs <= imported
    assert not imported & {"django", "mlapi", "registry", "evals_backend"}


def test_readme_and_reference_say_how_it_is_installed():
    assert "pip install ./client" in text_of("README.md")
    assert "pip install ./client" in text_of("docs/rest-and-command-line.md")
