"""Fetching over a real network: what is sent, what is followed, and what is cut off."""

import gzip
import ipaddress
import socket
import threading
import time

import pytest

from registry.models import Project
from tests.mlapi.media.certificate import certificate_of, server_tls
from tests.mlapi.media.files import PNG, code, problem
from tests.mlapi.media.server import FileServer, redirect, send

LOOPBACK = ipaddress.ip_address("127.0.0.1")


# The request


def test_a_file_of_an_allowed_host_is_fetched_with_nothing_but_what_it_takes(
    server, reading, monkeypatch, tmp_path
):
    server.files["/a b.png"] = server.files["/a%20b.png"] = PNG
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    reader = reading()
    fetched = reader.fetch(server.url("/a b.png?signature=1#top"))
    assert fetched.path.read_bytes() == PNG
    assert (fetched.size, reader.read, reader.cached) == (len(PNG), 1, 0)
    (request,) = server.requests
    assert request.path == "/a%20b.png?signature=1"
    assert request.headers == {
        "host": server.host,
        "user-agent": "evals-backend",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


def test_cookies_go_nowhere(server, reading):
    server.files["/start"] = lambda h: send(
        h, 302, Location="/end", Set_Cookie="session=secret; Path=/"
    )
    server.files["/end"] = lambda h: send(h, 200, PNG, Set_Cookie="session=secret; Path=/")
    reader = reading()
    reader.fetch(server.url("/start"))
    reader.fetch(server.url("/end"))
    assert len(server.requests) == 3
    assert all("cookie" not in request.headers for request in server.requests)


def test_a_host_that_is_not_allowed_is_not_even_resolved(server, reading):
    def resolve(*args):
        raise AssertionError("asked for")

    reader = reading("a.example", resolve=resolve)
    refused = problem(reader, f"http://localhost:{server.port}/a.png?token=secret")
    assert refused.code == "media_address_refused"
    assert "MEDIA_ALLOWED_HOSTS" in refused.message
    assert code(reader, server.url("/a.png")) == "media_address_refused"
    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        *("a.png", "/etc/passwd", "/data/", "/api/projects/", "file:///etc/passwd", "ftp://a.b/c"),
        *("//a.example/x.png", "http://me:secret@a.example/x.png", "http://a.example/../x.png"),
        *("C:\\x.png", "s3://bucket", "s3:///x", "s3:/b/k", "\x00", "", "http://127.1/"),
        *("redis://a/b", "azure-blob://x", "gs:///k", "http://a.example/%2e%2e/x.png"),
    ],
)
def test_an_address_of_no_file_is_refused_with_a_reason(reading, address):
    assert code(reading("a.example"), address) == "media_address_refused"


# Where names lead


def test_a_name_is_connected_to_at_the_address_that_was_checked(server, reading):
    """The name exists for our resolver only, so any second resolution would fail."""
    server.files["/a.png"] = PNG
    lookups = []

    def resolve(host, port, timeout_s):
        lookups.append((host, port))
        return [LOOPBACK]

    reader = reading(f"files.example.com:{server.port}=127.0.0.0/8", resolve=resolve)
    assert reader.fetch(f"http://FILES.example.com.:{server.port}/a.png").size == len(PNG)
    assert lookups == [("files.example.com", server.port)]
    assert server.requests[0].headers["host"] == f"files.example.com:{server.port}"


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_an_allowed_name_that_leads_inside_is_refused(server, reading, inside):
    def resolve(host, port, timeout_s):
        return [ipaddress.ip_address(inside)]

    reader = reading(f"files.example.com:{server.port}", resolve=resolve)
    refused = problem(reader, f"http://files.example.com:{server.port}/a.png")
    assert refused.code == "media_address_refused"
    assert "host=network" in refused.message
    assert server.requests == []


def test_a_name_that_leads_elsewhere_at_the_next_request_is_checked_again(server, reading):
    server.files["/start"] = redirect("/end")
    answers = iter(["127.0.0.1", "127.0.0.2"])

    def rebinding(host, port, timeout_s):
        return [ipaddress.ip_address(next(answers))]

    reader = reading(f"files.example.com:{server.port}=127.0.0.1/32", resolve=rebinding)
    address = f"http://files.example.com:{server.port}/start"
    assert code(reader, address) == "media_address_refused"
    assert [request.path for request in server.requests] == ["/start"]


def test_only_the_permitted_of_a_names_addresses_are_connected_to(server, reading):
    server.files["/a.png"] = PNG

    def resolve(host, port, timeout_s):
        return [ipaddress.ip_address(ip) for ip in ("::1", "10.0.0.1", "127.0.0.1")]

    reader = reading(f"files.example.com:{server.port}=127.0.0.0/8", resolve=resolve)
    assert reader.fetch(f"http://files.example.com:{server.port}/a.png").size == len(PNG)


def test_a_name_without_an_address_and_a_port_without_a_server_are_unreachable(reading):
    def resolve(host, port, timeout_s):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    reader = reading("files.example.com", resolve=resolve)
    assert code(reader, "https://files.example.com/a.png") == "media_unreachable"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        assert code(reading(host), f"http://{host}/a.png") == "media_unreachable"


def test_a_resolver_that_never_answers_is_a_timeout(reading):
    def resolve(host, port, timeout_s):
        raise TimeoutError

    reader = reading("files.example.com", resolve=resolve)
    assert code(reader, "https://files.example.com/a.png") == "media_timeout"


def test_tls_is_made_with_the_name_and_its_certificate_checked(reading, tmp_path, settings):
    certificate = certificate_of("files.example.com", tmp_path)
    context = server_tls(certificate)
    names = []
    context.sni_callback = lambda connection, name, _: names.append(name)
    with FileServer(tls=context) as server:
        server.files["/a.png"] = PNG
        reader = reading(
            f"files.example.com:{server.port}=127.0.0.0/8",
            f"other.example.com:{server.port}=127.0.0.0/8",
            resolve=lambda *_: [LOOPBACK],
        )
        files = f"https://files.example.com:{server.port}/a.png"
        other = f"https://other.example.com:{server.port}/a.png"
        assert code(reader, files) == "media_certificate"
        settings.SSL_CERT_FILE = str(certificate)
        assert reader.fetch(files).size == len(PNG)
        assert code(reader, other) == "media_certificate"
        assert len(server.requests) == 1
    assert names == ["files.example.com", "files.example.com", "other.example.com"]


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed_and_a_fourth_is_not(server, reading, status):
    server.files["/1"] = redirect("/2?x=1", status)
    server.files["/2"] = redirect("3", status)
    server.files["/3"] = redirect(server.url("/4"), status)
    server.files["/4"] = PNG
    server.files["/0"] = redirect("/1", status)
    reader = reading()
    assert reader.fetch(server.url("/1")).path.read_bytes() == PNG
    assert code(reader, server.url("/0")) == "media_redirected"
    assert server.times("/4") == 1


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.1:1/a", "http://169.254.169.254/latest/meta-data/", "//10.0.0.1/a"),
        *("file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/a", "http://[::1]/a"),
        *(
            "http://me:secret@{host}/a",
            "http://2130706433/a",
            "",
            "http://{host}\\@a/b",
            "s3://b/k",
        ),
        *("http://[", "data:image/png;base64,AAAA", "javascript:1"),
    ],
)
def test_a_redirect_to_elsewhere_is_not_followed(server, reading, location):
    server.files["/start"] = redirect(location.replace("{host}", server.host))
    assert code(reading(), server.url("/start")) == "media_redirected"
    assert len(server.requests) == 1


def test_a_redirect_to_another_allowed_host_is_followed(server, reading):
    with FileServer() as other:
        other.files["/a.png"] = PNG
        server.files["/start"] = redirect(other.url("/a.png"))
        assert reading(server.host, other.host).fetch(server.url("/start")).size == len(PNG)
        assert code(reading(server.host, of=Project(pk=8, uid="4.1")), server.url("/start")) == (
            "media_redirected"
        )
        assert len(other.requests) == 1


# Sizes and times


def test_a_file_of_the_largest_size_is_fetched_and_one_more_byte_is_not(server, reading, settings):
    settings.MEDIA_MAX_MB = 1
    server.files["/most"] = bytes(2**20)
    server.files["/more"] = bytes(2**20 + 1)
    reader = reading()
    assert reader.fetch(server.url("/most")).size == 2**20
    assert code(reader, server.url("/more")) == "media_too_large"


def test_a_body_without_an_end_is_cut_off_at_the_limit(server, reading, settings):
    settings.MEDIA_MAX_MB = 1
    sent = []

    def endless(handler):
        send(handler, 200, Content_Length=None, Transfer_Encoding="chunked")
        while True:
            handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            sent.append(0x10000)

    server.files["/endless"] = endless
    assert code(reading(), server.url("/endless")) == "media_too_large"
    assert sum(sent) < 16 * 2**20  # what lay in the buffers between


def test_a_declared_size_beyond_the_limit_is_not_read_at_all(server, reading, settings):
    settings.MEDIA_MAX_MB = 1
    server.files["/huge"] = lambda h: send(h, 200, Content_Length=10**12)
    assert code(reading(), server.url("/huge")) == "media_too_large"


def test_a_body_shorter_than_declared_is_incomplete(server, reading):
    def short(handler):
        send(handler, 200, PNG, Content_Length=len(PNG) + 1)
        handler.close_connection = True

    def half_a_chunk(handler):
        send(handler, 200, b"20\r\nabc", Content_Length=None, Transfer_Encoding="chunked")
        handler.close_connection = True

    server.files |= {"/short": short, "/chunk": half_a_chunk}
    reader = reading()
    assert code(reader, server.url("/short")) == "media_incomplete"
    assert code(reader, server.url("/chunk")) == "media_incomplete"


def test_a_compressed_answer_is_refused_unread(server, reading):
    bomb = gzip.compress(bytes(50 * 2**20))
    server.files["/bomb"] = lambda h: send(h, 200, bomb, Content_Encoding="gzip")
    assert code(reading(), server.url("/bomb")) == "media_unsupported"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((401, "media_forbidden"), (403, "media_forbidden"), (404, "media_not_found")),
        *((410, "media_not_found"), (429, "media_unreachable"), (500, "media_unreachable")),
        *((204, "media_unreachable"), (206, "media_unreachable"), (304, "media_unreachable")),
    ],
)
def test_an_answer_that_is_no_file_has_a_reason(server, reading, status, expected):
    server.files["/a"] = lambda h: send(h, status)
    assert code(reading(), server.url("/a")) == expected


def test_an_empty_file_is_named(server, reading):
    server.files["/empty"] = b""
    assert code(reading(), server.url("/empty")) == "media_empty"


def test_a_server_that_does_not_speak_http_is_named(reading):
    with _raw(b"\x00\x01\x02 nonsense\r\n\r\n" * 9) as host:
        assert code(reading(host), f"http://{host}/a") == "media_incomplete"
    with _raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000) as host:
        assert code(reading(host), f"http://{host}/a") == "media_incomplete"


@pytest.mark.parametrize("where", ["before", "head", "body", "body of unknown length"])
def test_a_server_that_drips_is_cut_off(reading, settings, where):
    """Each byte comes long before a read gives up, and there would be an hour of them."""
    settings.MEDIA_TIMEOUT_S = 0.3
    head = {
        "before": b"",
        "head": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        "body of unknown length": b"HTTP/1.0 200 OK\r\n\r\n",
    }[where]
    with _raw(head, drip=b"" if where == "before" else b"x") as host:
        reader = reading(host)
        assert code(reader, f"http://{host}/a") == "media_timeout"
    assert reader.read == 0


class _raw:
    """A server that sends these bytes to whoever connects, and then drips, for an hour at most."""

    def __init__(self, content: bytes, drip: bytes | None = None) -> None:
        self._content, self._drip = content, drip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(self._content)
                until = time.monotonic() + 3600
                while self._drip is not None and time.monotonic() < until:
                    connection.sendall(self._drip)
                    if self._is_over.wait(0.02):
                        return
            except OSError:
                return
