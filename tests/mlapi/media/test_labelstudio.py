"""Where the token goes, and what a Label Studio may do that answers badly.

A server of the tests stands in for one, because a real one does none of this. What a real one
does is in tests/mlapi/labelstudio_client/test_media.py.
"""

import base64
import gzip
import ipaddress
import json
import re
import time
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mlapi.domain import InputError
from mlapi.media.addresses import AddressRefused, parse
from mlapi.media.allowlist import AllowedHosts
from mlapi.media.labelstudio import LabelStudioMedia, StoragePolicy
from registry.models import Project
from tests.mlapi.media.server import FileServer, redirect, send

PNG = b"\x89PNG and so on"
TOKEN = "secret-token"
INFO = {"id": 3, "created_at": "2026-11-23T07:20:47Z", "label_config": "<View/>", "title": "x"}
INFO |= {"task_number": 1, "total_annotations_number": 0, "skipped_annotations_number": 0}


@pytest.fixture(params=["", "/label-studio"])
def base(request, server) -> str:
    """The path below which Label Studio is."""
    server.files[f"{request.param}/api/projects/3/"] = json.dumps(INFO).encode()
    return request.param


@pytest.fixture
def connected(server, base) -> Project:
    """A project with credentials for `server`, which calls itself by another name."""
    return Project(
        pk=7,
        uid="3.1795418447",
        hostname=f"https://labels.example.com{base}",
        labelstudio_url=server.url(base),
        labelstudio_key=TOKEN,
    )


def code(reader, address: str) -> str:
    with pytest.raises(InputError) as raised:
        reader.fetch(address)
    message = raised.value.message
    assert message.isascii() and "\n" not in message
    assert "secret" not in message and "?" not in message
    return raised.value.code


def test_a_file_is_requested_below_the_base_path_with_the_token(server, base, connected, reading):
    path = "/data/upload/3/0a1b2c3d-a%20b%C3%A9.png"
    server.files[base + path] = PNG
    reader = reading(of=connected)
    for address in (
        path,
        base + path,
        f"{path}?x=secret#y",
        "/data/upload/3/0a1b2c3d-a bé.png",
        server.url(base + path),
        f"https://LABELS.example.com:443{base}{path}",
    ):
        assert reader.fetch(address).path.read_bytes() == PNG
    assert (reader.read, reader.cached) == (1, 5)
    info, request = server.requests
    assert info.path == f"{base}/api/projects/3/"
    assert request.path == base + path
    assert request.headers["authorization"] == f"Token {TOKEN}"
    assert request.headers["accept-encoding"] == "identity"


def test_label_studio_is_called_at_the_first_file_that_is_its_own(
    server, connected, reading, monkeypatch
):
    server.files["/a.png"] = PNG
    reader = reading(server.host, of=connected)
    reader.fetch(server.url("/a.png"))  # of its origin, and no file of Label Studio's
    assert [request.path for request in server.requests] == ["/a.png"]
    assert "authorization" not in server.requests[0].headers


def test_a_failure_to_open_it_is_not_repeated(server, base, connected, reading):
    server.files[f"{base}/api/projects/3/"] = lambda h: send(h, 500, b"{}")
    reader = reading(of=connected)
    results = dict(reader.fetch_each([f"/data/upload/3/{i}.png" for i in range(30)]))
    assert {problem.code for problem in results.values()} == {"media_unreachable"}
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_follows_no_redirect(server, base, connected, reading, status):
    address = "/data/upload/3/a.png"
    with FileServer() as other:
        other.files["/b.png"] = PNG
        server.files[base + address] = redirect(other.url("/b.png?signature=1"), status)
        assert code(reading("elsewhere.example", of=connected), address) == "media_redirected"
        assert other.requests == []
        reader = reading(other.host, of=connected)
        assert reader.fetch(address).path.read_bytes() == PNG
        assert "authorization" not in other.requests[0].headers
        assert TOKEN not in str(other.requests)


@pytest.mark.parametrize(
    "location",
    [
        *("", "/user/login/?next=/", "//10.0.0.1/a", "http://169.254.169.254/latest", "file:///x"),
        *("https://evil.example/a", "http://bucket.s3.amazonaws.com/a"),
        *("https://s3.amazonaws.com.evil.example/a", "https://me:secret@storage.googleapis.com/a"),
        *("https://storage.googleapis.com:8443/a", "https://169.254.169.254/a", "https://[::1]/a"),
    ],
)
def test_a_redirect_to_elsewhere_is_not_followed(server, base, connected, reading, location):
    address = "/data/upload/3/a.png"
    server.files[base + address] = redirect(location)
    assert code(reading("allowed.example", of=connected), address) == "media_redirected"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "host",
    [
        *("bucket.s3.amazonaws.com", "s3.eu-central-1.amazonaws.com", "s3-eu-west-1.amazonaws.com"),
        *("a.b.s3.dualstack.us-east-1.amazonaws.com", "bucket.s3.cn-north-1.amazonaws.com.cn"),
        *("storage.googleapis.com", "bucket.storage.googleapis.com"),
        *("account.blob.core.windows.net", "account.blob.core.usgovcloudapi.net"),
    ],
)
def test_what_a_cloud_signed_may_lead_into_the_internet_only(host):
    policy = StoragePolicy(AllowedHosts([]))
    address = parse(f"https://{host}/a?signature=1")
    assert policy.allows(address)
    assert policy.may_reach(address, ipaddress.ip_address("52.216.1.1"))
    for inside in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00::1"):
        assert not policy.may_reach(address, ipaddress.ip_address(inside))
    assert not policy.allows(parse(f"http://{host}/a"))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "amazonaws.com",
            "ec2-1-2-3-4.compute-1.amazonaws.com",
            "bucket.s3.amazonaws.com.evil.com",
        ),
        *(
            "evils3.amazonaws.com",
            "s3evil.amazonaws.com",
            "a.googleapis.com",
            "blob.core.windows.net",
        ),
        *("a.b.blob.core.windows.net", "s3.amazonaws.org", "storage.googleapis.com.evil.com"),
    ],
)
def test_other_names_are_no_clouds(host):
    assert not StoragePolicy(AllowedHosts([])).allows(parse(f"https://{host}/a"))


def test_a_clouds_name_that_leads_inside_is_refused(server, base, connected, reading):
    address = "s3://bucket/a.png"
    fileuri = base64.urlsafe_b64encode(address.encode()).decode()
    server.files[f"{base}/projects/3/resolve/"] = redirect("https://bucket.s3.amazonaws.com/a.png")
    reader = reading(
        "x.example", of=connected, resolve=lambda *_: [ipaddress.ip_address("169.254.169.254")]
    )
    assert code(reader, address) == "media_address_refused"
    assert server.requests[-1].path == f"{base}/projects/3/resolve/?fileuri={fileuri}"


def test_credentials_of_another_label_studio_get_no_address_of_this_one(
    server, base, settings, reading
):
    """The environment's pair may be of one, and the project's own of another."""
    project = Project(
        pk=7,
        uid="3.1795418447",
        hostname="http://labels.example.com",
        labelstudio_url=server.url(base),
        labelstudio_key=TOKEN,
    )
    settings.LABEL_STUDIO_URL, settings.LABEL_STUDIO_API_KEY = "http://others.example", "secret"
    server.files[f"{base}/data/upload/3/a.png"] = PNG
    reader = reading(of=project)
    assert reader.fetch("http://labels.example.com/data/upload/3/a.png").size == len(PNG)
    assert code(reader, "http://others.example/data/upload/3/b.png") == "media_address_refused"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (lambda h: send(h, 401, b"{}"), "media_forbidden"),
        (lambda h: send(h, 403, b"{}"), "media_forbidden"),
        (lambda h: send(h, 404, b"<html>"), "media_not_found"),
        (lambda h: send(h, 424, b"{}"), "media_unreachable"),
        (lambda h: send(h, 500, b'{"detail": "anything"}'), "media_unreachable"),
        (lambda h: send(h, 304), "media_unreachable"),
        (lambda h: send(h, 200, b""), "media_empty"),
        (lambda h: send(h, 200, Content_Length=10**10), "media_too_large"),
        (lambda h: send(h, 200, gzip.compress(PNG), Content_Encoding="gzip"), "media_unsupported"),
    ],
)
def test_an_answer_that_is_no_file_has_a_reason(
    server, base, connected, reading, response, expected
):
    server.files[f"{base}/data/upload/3/a.png"] = response
    assert code(reading(of=connected), "/data/upload/3/a.png") == expected


def test_a_file_that_breaks_off_is_incomplete(server, base, connected, reading):
    def short(handler):
        send(handler, 200, PNG, Content_Length=999)
        handler.close_connection = True

    server.files[f"{base}/data/upload/3/a.png"] = short
    assert code(reading(of=connected), "/data/upload/3/a.png") == "media_incomplete"


@pytest.mark.parametrize("known_length", [True, False])
def test_a_body_that_drips_or_never_ends_is_cut_off(
    server, base, connected, reading, settings, known_length
):
    settings.MEDIA_TIMEOUT_S = 0.4

    def drip(handler):
        send(handler, 200, Content_Length=10**6 if known_length else None)
        until = time.monotonic() + 600
        while time.monotonic() < until:
            handler.wfile.write(b"x")
            time.sleep(0.02)

    server.files[f"{base}/data/upload/3/a.png"] = drip
    assert code(reading(of=connected), "/data/upload/3/a.png") == "media_timeout"


def test_one_that_does_not_answer_is_cut_off(server, base, connected, reading, settings):
    settings.MEDIA_TIMEOUT_S = 0.3
    server.files[f"{base}/data/upload/3/a.png"] = lambda h: time.sleep(5)
    assert code(reading(of=connected), "/data/upload/3/a.png") == "media_timeout"
    server.files[f"{base}/api/projects/3/"] = lambda h: time.sleep(5)
    assert code(reading(of=connected), "/data/upload/3/b.png") == "media_timeout"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/data/upload/",
            "/data/upload/../../etc/passwd",
            "/data/upload/%2e%2e/a",
            "/data/upload",
            "/data/upload/..",
        ),
        *(
            "/data/upload/a\\..\\..\\b",
            "/data/upload/a%5c..%5cb",
            "/data/upload/a%2f..%2f..%2fapi/projects/",
            "/data/upload/%252e%252e/%252e%252e/api/projects/",
            "/data/upload/.\t./../api/projects/",
            "/data/avatars/1",
        ),
        *("/data/local-files/", "/data/local-files/?d=", "/data/local-files/?x=a", "/static/a.png"),
        *("/data/local-files/../../api/projects/?d=a", "/data/local-files/x?d=a", "/api/projects/"),
        *("/storage-data/uploaded/?filepath=avatars/1", "/data/local-files#?d=a", "/logout", "/"),
        *("/\\evil.example/data/upload/3/a.png", "\\\\evil.example/data/upload/3/a.png"),
        *("//labels.example.com/data/upload/3/a.png", "///data/upload/3/a.png", "/data//upload/a"),
        *("/tasks/1/resolve/?fileuri=L2V0Yy9wYXNzd2Q=", "/tasks/1/resolve/", "/tasks/1/"),
        *("/tasks/1/resolve/?fileuri=%ff", "/tasks/1/resolve/../?fileuri=s3://b/k"),
        *("s3://b", "s3://b/", "s3:///k", "s3://b@c/k", "S3://b/k"),
        *("redis://h/k", "http+s3://b/k"),
    ],
)
def test_what_is_no_file_of_label_studios_is_refused(server, connected, reading, address):
    assert code(reading("x.example", of=connected), address) == "media_address_refused"
    assert server.requests == []


@pytest.mark.parametrize(
    ("address", "target"),
    [
        # As Label Studio writes them on Windows, and whatever else it serves.
        ("/data/local-files/?d=dir%5Cname.png", "/data/local-files/?d=dir%5Cname.png"),
        ("/data/local-files/?d=dir\\name.png", "/data/local-files/?d=dir%5Cname.png"),
        ("/data/local-files/?d=C:\\a\\b.png", "/data/local-files/?d=C:%5Ca%5Cb.png"),
        ("/data/local-files/?d=./a/./b.png", "/data/local-files/?d=./a/./b.png"),
        ("/data/local-files/?d=a/../b.png", "/data/local-files/?d=a/../b.png"),
        ("/data/local-files/?d=%252e%252e/a", "/data/local-files/?d=%252e%252e/a"),
        ("/data/local-files/?d=a%0Ab%00.png", "/data/local-files/?d=a%0Ab%00.png"),
        ("/data/local-files/?d=caf%E9+1.png", "/data/local-files/?d=caf%E9+1.png"),
        ("/data/local-files/?d=100%.png&x=1", "/data/local-files/?d=100%25.png"),
        ("/data/local-files/?d=/a?b;c=d.png", "/data/local-files/?d=/a?b;c=d.png"),
        ("/data/local-files?d=a&d=b c.png", "/data/local-files/?d=b%20c.png"),
        ("/data/./local-files/?d=a", "/data/local-files/?d=a"),
        ("/data/upload/3/0a-dir%5Cname.png", "/data/upload/3/0a-dir%5Cname.png"),
        ("/data/upload/3\\0a-name.png", "/data/upload/3/0a-name.png"),
        ("/data/upload/./3/%2e/x/../a.png", "/data/upload/3/a.png"),
        ("/data/upload/3/0a-%25252525.png", "/data/upload/3/0a-%25252525.png"),
        ("/data/upload/3/0a-\"<'|>^`{}..png", "/data/upload/3/0a-%22%3C'|%3E%5E%60%7B%7D..png"),
        (
            "/storage-data/uploaded/?filepath=upload%2F3%2Fa%5Cb.png",
            "/storage-data/uploaded/?filepath=upload%2F3%2Fa%5Cb.png",
        ),
    ],
)
def test_what_label_studio_serves_is_handed_on_as_it_is(
    server, base, connected, reading, address, target
):
    """Which files a route serves is Label Studio's to check: it knows its storages."""
    server.files[base + target.partition("?")[0]] = PNG
    for written in (address, f"https://labels.example.com{base}{address}"):
        assert reading(of=connected).fetch(written).size == len(PNG)
    assert server.requests[-1].path == base + target
    assert server.requests[-1].headers["authorization"] == f"Token {TOKEN}"


@pytest.mark.parametrize("route", ["tasks/99/resolve", "tasks/99/presign", "projects/3/resolve"])
@pytest.mark.parametrize("key", ["a\\b.png", "./a/../b.png", "a%00/%2e%2e/b.png", "a//b?c#d.png"])
def test_a_clouds_key_is_handed_on_as_it_is(server, base, connected, reading, route, key):
    uri = f"s3://bucket/{key}"
    fileuri = base64.urlsafe_b64encode(uri.encode()).decode()
    server.files[f"{base}/projects/3/resolve/"] = PNG
    for address in (uri, f"/{route}/?fileuri={fileuri}"):
        assert reading(of=connected).fetch(address).size == len(PNG)
    assert server.requests[-1].path == f"{base}/projects/3/resolve/?fileuri={fileuri}"


def test_an_address_that_label_studio_signed_is_requested_as_it_was_signed(
    server, base, connected, reading
):
    """The signature covers its path, which is a foreign host's and gets no token."""
    with FileServer() as store:
        path = "/bucket/dir%5Cname/./a%2F..%2Fb.png"
        store.files[path] = PNG
        server.files[f"{base}/projects/3/resolve/"] = redirect(store.url(f"{path}?signature=1"))
        reader = reading(store.host, of=connected)
        assert reader.fetch("s3://bucket/dir\\name/./a/../b.png").size == len(PNG)
        assert store.requests[0].path == f"{path}?signature=1"
        assert "authorization" not in store.requests[0].headers


def test_cloud_files_are_requested_by_project_and_not_by_task(connected):
    media = LabelStudioMedia(connected, 1)
    for scheme in ("s3", "gs", "azure-blob"):
        uri = f"{scheme}://bucket.name/a b/é?#%.png"
        fileuri = base64.urlsafe_b64encode(uri.encode()).decode()
        file = media.path_of(uri)
        assert file.path == f"/projects/3/resolve/?fileuri={fileuri}"
        assert not file.is_immutable
        for task in ("/tasks/99/resolve/", "/tasks/99/presign/", "/projects/4/resolve/"):
            assert media.path_of(f"{task}?fileuri={fileuri}") == file


@hypothesis_settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    head=st.sampled_from(
        [
            *("", "/", "/data/upload/", "/data/local-files/?d=", "/data/", "s3://b/"),
            *("/storage-data/uploaded/?filepath=upload/", "/projects/3/resolve/?fileuri=s3://b/"),
            "https://labels.example.com/data/",
        ]
    ),
    tail=st.text() | st.text("./%2e5cf\\?#&=d:@ a\t"),
)
def test_no_address_leads_out_of_what_label_studio_serves(connected, head, tail):
    """Also for what normalises the path once more: httpx here, a proxy before Label Studio."""
    media = LabelStudioMedia(connected, 1)
    try:
        file = media.path_of((head + tail).strip())
    except AddressRefused as refused:
        assert refused.message.isascii()
        return
    if file is None:
        return
    assert file.path.startswith(
        (
            "/data/upload/",
            "/data/local-files/?d=",
            "/storage-data/",
            "/projects/3/resolve/?fileuri=",
        )
    )
    assert file.path.isascii() and not any(c.isspace() for c in file.path)
    assert "#" not in file.path
    sent = httpx.URL(f"http://labels.example.com{file.path}")
    assert sent.host == "labels.example.com"
    path = sent.raw_path.decode().partition("?")[0]
    for _ in range(3):
        assert ".." not in re.split(r"[/\\]", path)
        path = unquote(path)
