"""The hosts that get the token, and the effect of a misbehaving Label Studio.

A server of the tests stands in for one, because a real one does none of this. What a real one
does is in tests/mlapi/labelstudio_client/test_media.py.
"""

import base64
import gzip
import ipaddress
import time

import pytest

from mlapi.media.addresses import parse
from mlapi.media.allowlist import AllowedHosts
from mlapi.media.labelstudio import StoragePolicy
from registry.models import Project
from tests.mlapi.media.files import PNG, TOKEN, code
from tests.mlapi.media.server import FileServer, redirect, send


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
