"""The client against a real Label Studio: both kinds of token, what it reads, how it fails."""

import socket
import traceback
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mlapi.labelstudio import credentials, errors, http
from mlapi.labelstudio.client import LabelStudio
from registry.actions import project_settings
from registry.actions import projects as actions
from tests.e2e.labelstudio_client import USER
from tests.http_server import serve

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["legacy token", "personal access token"])
def client(request, labelstudio):
    key = labelstudio.token
    if request.param == "personal access token":
        key = labelstudio.personal_access_token()
    with LabelStudio(labelstudio.url, key) as opened:
        yield opened


def flat(pages):
    return [task for page in pages for task in page]


def test_either_kind_of_token_reads_the_project(client, ls_project):
    assert client.whoami()["email"] == USER
    assert client.project(ls_project.id)["title"] == "client tests"


def test_the_export_has_every_task_with_all_annotations_but_drafts(client, ls_project):
    ids = ls_project.import_texts(["kept", "skipped", "drafted", "bare"])
    annotated = ls_project.annotate(ids[0], "A")
    skipped = ls_project.skip(ids[1])
    ls_project.turn_into_draft(ls_project.annotate(ids[2], "B")["id"])
    exported = {t["id"]: t["annotations"] for t in client.export(ls_project.id)}
    assert [[a["id"] for a in exported[i]] for i in ids] == [
        [annotated["id"]],
        [skipped["id"]],
        [],
        [],
    ]
    assert exported[ids[1]][0]["was_cancelled"]
    assert [t["id"] for t in client.export(ls_project.id, ids[1:3])] == ids[1:3]


def test_labelled_tasks_are_listed_by_time_and_predictions_do_not_change_it(client, ls_project):
    ids = ls_project.import_texts(["a", "b", "c", "d"])
    ls_project.annotate(ids[0], "A")
    ls_project.skip(ids[1])
    before = flat(client.outlines_since(ls_project.id, LONG_AGO))
    assert [t["id"] for t in before] == ids[:2]
    newest = max(datetime.fromisoformat(t["updated_at"]) for t in before)
    ls_project.api("POST", "/api/predictions/", json={"task": ids[3], "result": [], "score": 0.5})
    ls_project.annotate(ids[2], "B")
    after = flat(client.outlines_since(ls_project.id, newest))
    assert [(t["id"], t["total_annotations"]) for t in after] == [(ids[2], 1)]


def test_pages_go_on_where_the_last_one_ended(client, ls_project, monkeypatch):
    monkeypatch.setattr("mlapi.labelstudio.task_pages.PAGE_SIZE", 3)
    monkeypatch.setattr("mlapi.labelstudio.task_pages.IDS_PER_REQUEST", 4)
    ids = ls_project.import_texts(f"text {i}" for i in range(7))
    pages = client.all_tasks(ls_project.id)
    first = next(pages)
    ls_project.delete_task(ids[0])  # would move every later page by one
    assert [t["id"] for t in first] + [t["id"] for t in flat(pages)] == ids
    assert [t["id"] for t in flat(client.tasks(ls_project.id, ids))] == ids[1:]


def test_listing_tasks_asks_no_backend_for_predictions(client, ls_project):
    with _listener() as (url, requests):
        ls_project.connect(url)
        ls_project.change(evaluate_predictions_automatically=True)
        ls_project.import_texts(["a", "b"])
        requests.clear()
        assert len(flat(client.all_tasks(ls_project.id))) == 2
        assert requests == []


def test_media_is_served_to_the_token_only(client, labelstudio):
    images = labelstudio.project(
        "images",
        '<View><Image name="image" value="$image"/><Choices name="label" toName="image">'
        '<Choice value="A"/><Choice value="B"/></Choices></View>',
    )
    png = b"\x89PNG and so on"
    images.api(
        "POST", f"/api/projects/{images.id}/import", files={"file": ("a.png", png, "image/png")}
    )
    path = images.tasks()[0]["data"]["image"]
    assert path.startswith("/data/upload/")
    with client.open(path) as response:
        assert response.read() == png
    with client.open(path, headers={"Range": "bytes=1-3"}) as response:
        assert response.status_code in (200, 206)
    with (
        pytest.raises(errors.TokenInvalid),
        LabelStudio(client.url, "0" * 40) as stranger,
        stranger.open(path),
    ):
        pass
    with pytest.raises(errors.Rejected), client.open("http://elsewhere.example/a.png"):
        pass


def test_a_personal_access_token_is_exchanged_again_after_a_401_and_when_it_is_due(
    labelstudio, ls_project, monkeypatch
):
    auth = http.PersonalAccessToken(labelstudio.personal_access_token(), labelstudio.url)
    with LabelStudio(labelstudio.url, "unused") as client:
        client._http.auth = auth
        client.whoami()
        first = auth._access
        client.whoami()
        assert auth._access == first
        auth._access = first[:-4] + "xxxx"  # as if it had expired
        assert client.whoami()["email"] == USER
        auth._renew_at = 0  # as if five minutes had passed
        auth._access = "stale"
        assert client.whoami()["email"] == USER


@pytest.mark.parametrize("cut", [0, 1])
def test_a_wrong_token_of_either_kind_is_named(labelstudio, cut):
    key = labelstudio.personal_access_token()[:-5] if cut else "0" * 40
    with LabelStudio(labelstudio.url, key) as client, pytest.raises(errors.TokenInvalid) as caught:
        client.whoami()
    assert caught.value.code == "labelstudio_token_invalid"
    assert key not in caught.value.message


def test_a_legacy_token_that_is_switched_off_is_named_with_its_cure(labelstudio):
    with (
        labelstudio.without_legacy_tokens(),
        LabelStudio(labelstudio.url, labelstudio.token) as client,
        pytest.raises(errors.LegacyTokenDisabled) as caught,
    ):
        client.whoami()
    assert "personal access token" in caught.value.hint


def test_nothing_that_listens_is_unreachable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with LabelStudio(url, "key") as client, pytest.raises(errors.Unreachable):
            client.health()


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://no.such.host.invalid", "http://["])
def test_an_invalid_url_is_unreachable(url):
    with pytest.raises(errors.Unreachable), LabelStudio(url, "key") as client:
        client.health()


def test_a_server_other_than_label_studio_is_named():
    with (
        _listener(body=b"<html>hello</html>") as (url, _),
        LabelStudio(url, "key") as client,
        pytest.raises(errors.NotLabelStudio),
    ):
        client.health()


@pytest.mark.parametrize(
    "body", [b"null", b"3", b"{}", b'{"id": 1}', b'{"tasks": [{}]}', b"[{}]", b"[" * 99_999]
)
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.project(1),
        lambda client: client.webhooks(1),
        lambda client: client.ml_backends(1),
        lambda client: list(client.all_tasks(1)),
        lambda client: list(client.outlines_since(1, LONG_AGO)),
    ],
)
def test_json_of_another_shape_is_not_label_studios(call, body):
    with (
        _listener(body=body) as (url, _),
        LabelStudio(url, "key") as client,
        pytest.raises(errors.NotLabelStudio),
    ):
        call(client)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"null"])
def test_a_token_exchanged_for_something_else_is_not_label_studios(body):
    with (
        _listener(body=body) as (url, _),
        LabelStudio(url, "eyJhbGciOi.J9.x") as client,
        pytest.raises(errors.NotLabelStudio),
    ):
        client.whoami()


@pytest.mark.parametrize("body", [b'[{"id": "x"}, 3]', b'[{"id": 1, "annotations": [{}]}]', b"[3]"])
def test_an_export_of_another_shape_is_not_label_studios(body):
    with (
        _listener(body=body) as (url, _),
        LabelStudio(url, "key") as client,
        pytest.raises(errors.NotLabelStudio),
    ):
        list(client.export(1))


def test_the_error_for_a_token_that_no_header_can_have_is_without_it():
    with (
        _listener() as (url, _),
        LabelStudio(url, "s3cret\n") as client,
        pytest.raises(errors.TokenInvalid) as caught,
    ):
        client.whoami()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_the_token_follows_no_redirect():
    with (
        _listener() as (elsewhere, requests),
        _listener(status=302, location=elsewhere) as (url, _),
    ):
        with LabelStudio(url, "s3cret") as client, pytest.raises(errors.Redirected) as caught:
            client.whoami()
        assert requests == []
        assert elsewhere in caught.value.message


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, errors.Forbidden), (404, errors.Missing), (500, errors.ServerError)],
)
def test_label_studios_errors_are_distinguished(status, error):
    with (
        _listener(status=status, body=b'{"detail": "said so"}') as (url, _),
        LabelStudio(url, "key") as client,
        pytest.raises(error, match="said so"),
    ):
        client.project(1)


def test_one_that_never_answers_costs_the_timeout_only():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with LabelStudio(url, "key", read_timeout_s=0.3) as client, pytest.raises(errors.TimedOut):
            client.whoami()


def test_a_project_of_the_same_id_but_another_uid_is_refused(ls_project, db):
    stranger = actions.get_or_create(f"{ls_project.id}.1234567890")
    project_settings.set_credentials(
        stranger, ls_project.server.url, ls_project.server.token, actor="test"
    )
    with pytest.raises(errors.ProjectMismatch):
        credentials.open_project(stranger)


def test_the_environments_pair_that_leads_elsewhere_gives_way_to_setups(
    ls_project, db, settings, labelstudio
):
    with _listener(body=b'{"id": %d, "created_at": "2001-01-01T00:00:00Z"}' % ls_project.id) as (
        other,
        _,
    ):
        settings.LABEL_STUDIO_URL, settings.LABEL_STUDIO_API_KEY = other, "from-env"
        settings.HOST = "127.0.0.1"
        project, _, _ = actions.upsert_from_setup(
            ls_project.uid,
            actions.Setup(
                label_config="",
                hostname=labelstudio.hostname,
                setup_token=labelstudio.token,
                extra_params=None,
                backend_url="",
            ),
        )
        client, pair, found = credentials.open_project(project)
        client.close()
    assert (pair.source, pair.url, found["id"]) == ("setup", labelstudio.hostname, ls_project.id)


class _listener:
    """A server that answers everything alike; entering it gives its URL and its requests."""

    def __init__(self, status: int = 200, body: bytes = b"{}", location: str = "") -> None:
        requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                requests.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._url_and_requests = (f"http://127.0.0.1:{self._server.server_port}", requests)

    def __enter__(self) -> tuple[str, list[str]]:
        serve(self._server)
        return self._url_and_requests

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_a_tab_shows_its_tasks_and_is_refreshed_and_made_again_once_it_is_closed(
    client, labelstudio
):
    project = labelstudio.project("tabs")
    ids = project.import_texts([f"text {n}" for n in range(6)])

    def shown(tab):
        found = project.api("GET", "/api/tasks", params={"view": tab, "project": project.id})
        return sorted(task["id"] for task in found["tasks"])

    tab = client.save_tab(project.id, None, "Label next", ids[:3])
    assert shown(tab) == ids[:3]
    assert client.save_tab(project.id, tab, "Label next", ids[2:5]) == tab
    assert shown(tab) == ids[2:5]
    project.api("DELETE", f"/api/dm/views/{tab}/", params={"project": project.id})
    again = client.save_tab(project.id, tab, "Label next", ids[:1])
    assert again != tab
    assert shown(again) == ids[:1]
