"""A small reverse proxy that puts a server under a path, well or badly configured."""

import http.client
import ssl
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.http_server import serve


@dataclass
class ReverseProxy:
    """Passes `<path>/...` on to a port of this machine.

    `cuts_path` and `keeps_host` are what nginx does with a slash at the end of `proxy_pass`, and
    with `proxy_set_header Host $http_host`. `headers` are added.
    """

    port_behind: int
    path: str = "/ml"
    cuts_path: bool = True
    keeps_host: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> "ReverseProxy":
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, reason, headers, content = proxy.answer(self, body)
                self.send_response(status, reason)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = pass_on

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        serve(self._server)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The URL that people and Label Studio use."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}{self.path}"

    def answer(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """Status, reason, headers and body of the server behind; 404 beside the path."""
        path = request.path
        if not path.startswith(f"{self.path}/"):
            return 404, "Not under the path", [], b""
        headers = {k: v for k, v in request.headers.items() if k.lower() != "connection"}
        if not self.keeps_host:
            headers["Host"] = f"127.0.0.1:{self.port_behind}"
        path = path.removeprefix(self.path) if self.cuts_path else path
        connection = http.client.HTTPConnection("127.0.0.1", self.port_behind, timeout=60)
        connection.request(request.command, path, body or None, {**headers, **self.headers})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        dropped = {"connection", "transfer-encoding", "content-length"}
        return (
            response.status,
            response.reason,
            [(k, v) for k, v in response.getheaders() if k.lower() not in dropped],
            content,
        )
