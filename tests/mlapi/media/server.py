"""A real HTTP server on the loopback that answers as a test says, well or badly."""

import socketserver
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.http_server import serve


@dataclass
class ReceivedRequest:
    """A request as it came: `peer` is the address that it was made to."""

    path: str
    headers: dict[str, str]


@dataclass
class FileServer:
    """Answers GETs by path: with bytes, or as a function of the handler says."""

    tls: ssl.SSLContext | None = None
    files: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    requests: list[ReceivedRequest] = field(default_factory=list)

    def __enter__(self) -> "FileServer":
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append(
                    ReceivedRequest(self.path, {k.lower(): v for k, v in self.headers.items()})
                )
                content = server.files.get(self.path.partition("?")[0])
                if callable(content):
                    content(self)
                elif content is None:
                    send(self, 404)
                else:
                    send(self, 200, content)

            def do_HEAD(self) -> None:
                send(self, 200)  # as a store answers whether its bucket exists

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """A client that leaves early is what many tests are about."""

            def server_bind(self) -> None:
                socketserver.TCPServer.server_bind(self)  # without asking for a host name
                self.server_name, self.server_port = self.server_address[:2]

        self._server = Server(("127.0.0.1", 0), Handler)
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        serve(self._server)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def host(self) -> str:
        """The server's entry for MEDIA_ALLOWED_HOSTS."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def times(self, path: str) -> int:
        """The number of requests of the path."""
        return sum(request.path == path for request in self.requests)


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str | int
) -> None:
    """A response; Content-Length is the body's, unless a header says another (None: left out)."""
    fields = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
    handler.send_response(status)
    for name, value in fields.items():
        if value is not None:
            handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(body)


def redirect(location: str, status: int = 302) -> Callable[[BaseHTTPRequestHandler], None]:
    """A response that leads elsewhere."""
    return lambda handler: send(handler, status, Location=location)
