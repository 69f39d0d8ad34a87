"""The connection's check and the webhook's repair, between a real Label Studio and our routes."""

import base64
from io import StringIO

import httpx
import pytest
from django.core.management import CommandError, call_command

from mlapi.mirror import own_urls, webhook_repair
from mlapi.mirror.connection_check import check
from mlapi.mirror.sync import sync
from registry.actions import keys, project_settings
from registry.actions import projects as actions
from registry.models import Event, Project

BASIC = ("annotator", "pass word")
STEPS = ["reach", "token", "project", "webhook", "export", "media"]


@pytest.fixture
def served(live_server, settings):
    """Our routes on a port of their own, behind a key: the URL without it, and the key."""
    settings.ALLOW_ANONYMOUS = False
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "", ""
    settings.LABEL_STUDIO_URL, settings.LABEL_STUDIO_API_KEY = "", ""
    _, key = keys.new_key("test", actor="test")
    return live_server.url, key


@pytest.fixture
def behind_basic_auth(served, settings):
    """The routes, also behind basic auth."""
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = BASIC
    return served[0]


def registry_project_of(ls_project) -> Project:
    project = Project.objects.get(uid=ls_project.uid)
    project_settings.set_credentials(
        project, ls_project.server.url, ls_project.server.token, actor="test"
    )
    return project


@pytest.fixture
def connected(ls_project, served) -> Project:
    """Connected by the URL with the key, as a user does."""
    url, key = served
    ls_project.connect(f"{url}/k/{key}")
    return registry_project_of(ls_project)


def step(report: dict, name: str) -> dict:
    return next(s for s in report["steps"] if s["step"] == name)


def events(ls_project, action: str = "ANNOTATION_CREATED") -> int:
    return Event.objects.filter(project__uid=ls_project.uid, action=action).count()


def test_a_key_url_needs_no_repair(ls_project, connected):
    ls_project.import_texts(["one"])
    report = check(connected)
    assert report["ok"], report
    assert [s["step"] for s in report["steps"]] == STEPS
    assert report["source"] == "project"
    connected.refresh_from_db()
    assert connected.connection == report
    assert connected.connection_checked_at


def test_no_secret_is_in_the_report(ls_project, connected, served):
    text = str(check(connected))
    assert served[1] not in text
    assert ls_project.server.token not in text


def test_behind_basic_auth_annotations_are_lost_until_the_webhook_is_repaired(
    ls_project, behind_basic_auth
):
    ls_project.connect(behind_basic_auth, basic_auth=BASIC)
    project = registry_project_of(ls_project)
    tasks = ls_project.import_texts(["one", "two"])
    ls_project.annotate(tasks[0], "A")
    assert events(ls_project) == 0

    report = check(project)
    assert report["failed"] == "webhook"
    assert "refused" in step(report, "webhook")["detail"]
    assert "--fix" in step(report, "webhook")["cure"]
    assert step(report, "export")["ok"]

    assert check(project, fix=True)["ok"]
    ls_project.annotate(tasks[1], "A")
    assert events(ls_project) == 1
    expected = "Basic " + base64.b64encode(":".join(BASIC).encode()).decode()
    assert [w["headers"] for w in ls_project.webhooks()] == [{"Authorization": expected}]


@pytest.mark.parametrize(
    "damage",
    [
        {"is_active": False},
        {"send_for_all_actions": False, "actions": ["PROJECT_UPDATED"]},
        {"send_payload": False},
    ],
)
def test_a_misconfigured_webhook_is_reported_and_repaired(ls_project, connected, damage):
    (hook,) = ls_project.webhooks()
    ls_project.change_webhook(hook["id"], url=hook["url"], **damage)
    assert check(connected)["failed"] == "webhook"
    assert check(connected, fix=True)["ok"]
    ls_project.annotate(ls_project.import_texts(["one"])[0], "A")
    assert events(ls_project) == 1


def test_a_missing_webhook_is_made_from_the_connected_backends_url(ls_project, connected):
    ls_project.delete_webhooks()
    report = check(connected)
    assert "no webhook that points here" in step(report, "webhook")["detail"]
    assert check(connected, fix=True)["ok"]
    ls_project.annotate(ls_project.import_texts(["one"])[0], "A")
    assert events(ls_project) == 1


def test_of_several_webhooks_one_is_left_and_others_hosts_are_let_alone(ls_project, connected):
    (hook,) = ls_project.webhooks()
    ls_project.add_webhook(hook["url"])
    ls_project.add_webhook("http://elsewhere.example/webhook")
    assert "2 times" in step(check(connected), "webhook")["detail"]
    assert check(connected, fix=True)["ok"]
    left = sorted(w["url"] for w in ls_project.webhooks())
    assert left == sorted([hook["url"], "http://elsewhere.example/webhook"])


def test_a_webhook_with_a_revoked_key_gets_the_valid_one(ls_project, connected, served):
    url, key = served
    old, plain = keys.new_key("old", actor="test")
    (hook,) = ls_project.webhooks()
    ls_project.change_webhook(hook["id"], url=f"{url}/k/{plain}/webhook")
    assert check(connected)["ok"]
    keys.revoke(old, actor="test")
    assert check(connected)["failed"] == "webhook"
    assert check(connected, fix=True)["ok"]
    assert [w["url"] for w in ls_project.webhooks()] == [f"{url}/k/{key}/webhook"]


def test_a_later_sync_mends_the_webhook_too(ls_project, connected):
    assert sync(connected, "first").ok
    assert connected.connection["ok"]
    ls_project.delete_webhooks()
    assert sync(connected, "hourly").ok
    assert len(ls_project.webhooks()) == 1


def test_without_any_backend_there_is_nothing_to_make_a_webhook_of(ls_project, connected):
    (backend,) = ls_project.backends()
    ls_project.api("DELETE", f"/api/ml/{backend['id']}")
    ls_project.delete_webhooks()
    report = check(connected, fix=True)
    assert "points here" in step(report, "webhook")["detail"]
    assert "Settings > Model" in step(report, "webhook")["cure"]
    assert ls_project.webhooks() == []


def test_each_failing_step_is_named_with_its_cure(ls_project, connected, labelstudio):
    project_settings.set_credentials(connected, "http://127.0.0.1:1", "x", actor="test")
    assert check(connected)["failed"] == "reach"
    project_settings.set_credentials(connected, labelstudio.url, "0" * 40, actor="test")
    report = check(connected)
    assert (report["failed"], len(report["steps"])) == ("token", 2)
    project_settings.set_credentials(connected, labelstudio.url, labelstudio.token, actor="test")
    with labelstudio.without_legacy_tokens():
        report = check(connected)
    assert report["failed"] == "token"
    assert "personal access token" in step(report, "token")["cure"]
    ls_project.delete()
    report = check(connected)
    assert (report["failed"], step(report, "project")["ok"]) == ("project", False)
    assert all(s["cure"] for s in report["steps"] if not s["ok"])


def test_the_dead_token_of_setup_gives_way_to_a_personal_access_token(
    ls_project, connected, labelstudio, settings
):
    project_settings.set_credentials(connected, "", "", actor="test")
    settings.HOST = "127.0.0.1"
    with labelstudio.without_legacy_tokens():
        report = check(connected)
        assert (report["source"], report["failed"]) == ("setup", "token")
        pat = labelstudio.personal_access_token()
        project_settings.set_credentials(connected, labelstudio.url, pat, actor="test")
        report = check(connected)
        assert (report["source"], report["failed"]) == ("project", None)


def test_media_that_label_studio_serves_is_tried(ls_project, connected):
    ls_project.import_tasks([{"data": {"text": "/data/upload/0/gone.png"}}])
    report = check(connected)
    assert report["failed"] == "media"


def test_the_command_names_the_steps_and_repairs(ls_project, connected):
    ls_project.delete_webhooks()
    output = StringIO()
    with pytest.raises(CommandError):
        call_command("check_labelstudio", str(ls_project.id), stdout=output)
    assert "FAIL webhook" in output.getvalue()
    assert "--fix" in output.getvalue()
    output = StringIO()
    call_command("check_labelstudio", ls_project.uid, "--fix", stdout=output)
    assert "FAIL" not in output.getvalue()
    assert "ok   webhook" in output.getvalue()


def test_the_command_reports_an_unknown_project(db):
    with pytest.raises(CommandError, match="Connect this backend"):
        call_command("check_labelstudio")
    with pytest.raises(CommandError, match="No project 99"):
        call_command("check_labelstudio", "99")


def test_a_key_is_shown_in_no_url():
    assert (
        webhook_repair.redact_key("http://h:9090/k/abcdef/webhook") == "http://h:9090/k/.../webhook"
    )
    assert webhook_repair.redact_key("http://h:9090/webhook") == "http://h:9090/webhook"


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("http://h:9090/base/webhook", True),
        ("http://h:9090/base/k/abc/webhook", True),
        ("http://h:9090/webhook", False),
        ("http://h:9090/base/other/webhook", False),
        ("http://h:9091/base/webhook", False),
        ("https://h:9090/base/webhook", True),  # TLS is ended in front of us
        ("http://h:9090.evil.example/base/webhook", False),
        ("http://H:9090/base/webhook", True),
        ("http://h:port/base/webhook", False),
        ("http://[h:9090/base/webhook", False),
    ],
)
def test_only_a_webhook_at_this_backends_url_is_its_own(url, is_own):
    assert own_urls.is_own(url, ["http://h:9090/base"]) is is_own


@pytest.mark.parametrize(
    "url", ["http://h/webhook", "http://h:80/webhook", "https://h:443/webhook"]
)
def test_the_port_of_the_scheme_need_not_be_written(url):
    assert own_urls.is_own(url, ["http://h"])
    assert own_urls.is_own(url, ["http://h:80"])


@pytest.mark.parametrize("url", ["http://[h/k/abc", "http://h:port/k/abc", ""])
def test_a_url_that_cannot_be_read_has_no_key(url):
    assert own_urls.key_in(url) == ""


def test_the_route_is_closed_to_what_the_check_calls_closed(served, db):
    """`webhook.opens` promises what the routes do; hold them together."""
    url, key = served
    project = actions.get_or_create("1.1795000000")
    other = actions.get_or_create("2.1795000000")
    _, foreign = keys.new_key("another project's", project=other, actor="test")
    body = {"action": "PROJECT_UPDATED", "project": {"id": 1, "created_at": "2026-11-18T12:26:40Z"}}
    for path in (f"/k/{key}/webhook", "/webhook", f"/k/{'a' * 32}/webhook"):
        let_in = httpx.post(url + path, json=body).status_code < 400
        assert webhook_repair.is_authorized(url + path, {}, project) is let_in, path
    assert not webhook_repair.is_authorized(f"{url}/k/{foreign}/webhook", {}, project)


class _BehindBasicAuth:
    """A Label Studio that claims to have connected us with the password."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.saved: list[dict] = []

    def webhooks(self, project_id: int) -> list[dict]:
        return []

    def ml_backends(self, project_id: int) -> list[dict]:
        return [{"url": self._url, "auth_method": "BASIC_AUTH"}]

    def save_webhook(self, project_id: int, body: dict) -> dict:
        self.saved.append(body)
        return body


@pytest.mark.parametrize("knows", [False, True])
def test_the_password_goes_only_to_a_host_that_has_shown_it(knows, behind_basic_auth):
    project = actions.upsert_from_setup(
        "1.1795420359",
        actions.Setup(
            label_config="<View/>",
            hostname="http://localhost:8080",
            setup_token="t",
            extra_params=None,
            backend_url=behind_basic_auth,
            with_password=knows,
        ),
    )[0]
    ls_project = _BehindBasicAuth(behind_basic_auth)
    if knows:
        webhook_repair.check(ls_project, project, fix=True)
        assert ls_project.saved[0]["headers"]["Authorization"].startswith("Basic ")
    else:
        with pytest.raises(webhook_repair.NoWebhookUrl):
            webhook_repair.check(ls_project, project, fix=True)
        assert ls_project.saved == []
