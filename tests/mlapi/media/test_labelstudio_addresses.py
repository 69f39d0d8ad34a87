"""The addresses of files that Label Studio serves: requested as they are written, or refused."""

import base64
import re
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mlapi.media.addresses import AddressRefused
from mlapi.media.labelstudio import LabelStudioMedia
from tests.mlapi.media.files import PNG, TOKEN, code
from tests.mlapi.media.server import FileServer, redirect


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
def test_an_address_of_no_file_of_label_studio_is_refused(server, connected, reading, address):
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
def test_an_address_that_label_studio_serves_is_passed_on_unchanged(
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
    """Paths are safe even if httpx or a proxy before Label Studio normalises them once more."""
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
