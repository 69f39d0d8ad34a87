"""`manage.py access_key`: new, list, revoke; and where the commands find the server."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registry import server
from registry.actions import keys
from registry.models import AccessKey, Project
from tests.ports import free_port

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("access_key", *args, stdout=out)
    return out.getvalue()


def test_a_new_key_is_printed_as_the_url_to_paste_and_stored_as_a_digest():
    output = run("new", "the annotation team")
    plain = re.search(r"/k/([a-z2-7]{32})$", output, re.MULTILINE)[1]
    key = AccessKey.objects.get(name="the annotation team")
    assert key.digest == keys.digest(plain)
    assert plain not in str(key.__dict__)


def test_a_key_can_be_bound_to_a_project_or_a_label_studio():
    project = Project.objects.create(uid="12.1700000000")
    run("new", "one project", "--project", "12.1700000000")
    run("new", "one host", "--hostname", "https://ls.example.com")
    assert AccessKey.objects.get(name="one project").project == project
    assert AccessKey.objects.get(name="one host").hostname == "https://ls.example.com"
    assert "project 12.1700000000" in run("list")


def test_an_unknown_project_makes_no_key():
    with pytest.raises(CommandError, match=r"9\.9"):
        run("new", "nothing", "--project", "9.9")
    assert not AccessKey.objects.exists()


def test_a_revoked_key_is_listed_as_such_and_cannot_be_revoked_twice():
    run("new", "short-lived")
    key = AccessKey.objects.get()
    run("revoke", str(key.pk))
    key.refresh_from_db()
    assert key.revoked_at
    assert "revoked" in run("list")
    with pytest.raises(CommandError, match="revoked already"):
        run("revoke", str(key.pk))


def test_an_unknown_key_is_an_error():
    with pytest.raises(CommandError, match="4711"):
        run("revoke", "4711")


def test_the_url_is_that_of_the_server_that_was_started(settings, tmp_path):
    """The port in the environment of the command has no effect."""
    settings.DATA_DIR, settings.PORT = tmp_path, 9191
    server.record()
    settings.PORT = 9090
    assert "http://127.0.0.1:9191/k/" in run("new", "team")
    assert "http://host.docker.internal:9191/k/" in run("new", "docker")
    settings.PUBLIC_URL = "https://ml.example.com"
    assert "https://ml.example.com/k/" in run("new", "public")


@pytest.mark.parametrize("content", ["", "[]", '{"port": 1}'])
def test_a_damaged_record_of_the_server_is_as_none(settings, tmp_path, content):
    settings.DATA_DIR = tmp_path
    (tmp_path / "server.json").write_text(content)
    assert f":{settings.PORT}/k/" in run("new", "team")


def test_health_names_the_address_that_it_tried(settings, tmp_path):
    settings.DATA_DIR, settings.PORT = tmp_path, free_port()
    with pytest.raises(CommandError, match=f"http://127.0.0.1:{settings.PORT}/health"):
        call_command("health", "web")
