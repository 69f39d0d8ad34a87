"""A receiver of webhooks: a real HTTP server that checks each signature, refuses and hangs."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.http_server import serve

HANG = "hang"


class Received(NamedTuple):
    """A request with a right signature."""

    uid: str
    path: str
    body: dict[str, Any]


class Receiver:
    """Answers 204, or what is in `answers`, first to last: a status, or HANG until `released`.

    The signature is checked as docs/notifications.md says, by code of its own.
    """

    def __init__(self, port: int = 0) -> None:
        self.secrets: list[str] = []
        self.answers: list[int | str] = []
        self.received: list[Received] = []
        self.forged = 0
        self.released = threading.Event()
        self.hanging = threading.Event()
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=a-secret"

    def is_signed(self, headers: Any, body: bytes) -> bool:
        """Whether any of the signatures is right for any of the secrets."""
        content = b".".join(
            (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
        )
        signatures = headers["webhook-signature"].split(" ")
        return any(
            hmac.compare_digest(f"v1,{_signed(secret, content)}", signature)
            for secret in self.secrets
            for signature in signatures
        )


def _signed(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """The receiver listens, on its port or on any."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not receiver.is_signed(self.headers, body):
                receiver.forged += 1
                self._answer(401)
                return
            uid = self.headers["webhook-id"]
            receiver.received.append(Received(uid, self.path, json.loads(body)))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if answer == HANG:
                receiver.hanging.set()
                receiver.released.wait(120)
                answer = 204
            self._answer(answer)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", receiver.port), Handler)
    receiver.port = server.server_port
    thread = serve(server)
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
