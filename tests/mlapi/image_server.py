"""A real web server of images on loopback, which records its requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.http_server import serve


class ImageServer:
    """Serves `files` by their path, such as `/3.png`; `requests` has the path of each request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append(self.path)
                content = server.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def put(self, name: str, content: bytes) -> str:
        """Serve the file; its address."""
        self.files[f"/{name}"] = content
        return f"http://{self.host}/{name}"


@contextmanager
def image_server() -> Iterator[ImageServer]:
    server = ImageServer()
    thread = serve(server._server)
    try:
        yield server
    finally:
        server._server.shutdown()
        server._server.server_close()
        thread.join()
