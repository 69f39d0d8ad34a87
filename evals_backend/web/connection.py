"""A client's connection: what was read of its request, and what it has still to be sent."""

import socket
from time import monotonic

from evals_backend.web.messages import CONTINUE, HEAD_MAX, Address, Head

_READ_MAX = 262_144  # bytes at once: others have their turn in between
# A connection that sends or takes nothing ends after these seconds; a whole request or answer has
# as long as a slow line needs for its length.
IDLE_S = 10.0
HEAD_S = 10.0
BODY_S = 15.0
ANSWER_S = 15.0
LINGER_S = 5.0
SLOW_BYTES_S = 250_000


class Closed(Exception):
    """The client has gone."""


class Connection:
    """Used by the front's thread only, except while a lane's thread works on its request."""

    __slots__ = (
        "address",
        "buffer",
        "deadline",
        "descriptor",
        "head",
        "head_length",
        "is_lost",
        "keeps",
        "lingers",
        "out",
        "socket",
        "works",
    )

    def __init__(self, client: socket.socket, address: Address) -> None:
        client.setblocking(False)
        self.socket = client
        self.descriptor = client.fileno()
        self.address = address
        self.buffer = bytearray()
        self.head: Head | None = None
        self.head_length = 0
        self.out = memoryview(b"")
        self.keeps = True  # after the answer
        self.lingers = False
        self.is_lost = False  # the client has gone while its request was worked on
        self.works = False
        self.deadline = monotonic() + IDLE_S

    @property
    def is_idle(self) -> bool:
        """Whether it waits for the first byte of a request."""
        return not (self.works or self.lingers or self.out or self.buffer or self.head)

    def read(self) -> None:
        """Read what has come. Raises Closed."""
        data = self._receive()
        if data and not self.buffer:
            self.deadline = monotonic() + HEAD_S
        self.buffer += data

    def take_head(self) -> bytes | None:
        """The bytes of the next head, which stay in the buffer; None while it isn't whole.

        A head that is too long is handed out as it is, to be refused by its parser.
        """
        if self.buffer[:2] == b"\r\n":  # one empty line is allowed before a request
            del self.buffer[:2]
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return bytes(self.buffer) if len(self.buffer) > HEAD_MAX else None
        self.head_length = end + 4
        return bytes(self.buffer[: self.head_length])

    def begin(self, head: Head) -> None:
        """Wait for the head's body."""
        self.head = head
        self.deadline = monotonic() + BODY_S + head.length / SLOW_BYTES_S

    def take_body(self) -> bytes | None:
        """The body, with which the request leaves the buffer; None while it isn't whole."""
        assert self.head is not None  # noqa: S101
        end = self.head_length + self.head.length
        if len(self.buffer) < end:
            return None
        body = bytes(self.buffer[self.head_length : end])
        self.drop(end)
        return body

    def drop(self, length: int) -> None:
        """Forget the request, which has that length in the buffer."""
        del self.buffer[:length]
        self.head, self.head_length = None, 0

    def send(self, data: bytes) -> bool:
        """Send as much as the client takes now; whether that was all. Raises Closed."""
        self.out = memoryview(data)
        self.deadline = monotonic() + ANSWER_S + len(data) / SLOW_BYTES_S
        return self.flush()

    def send_continue(self) -> None:
        """Let the client send its body; it does so after a while without that. Raises Closed."""
        try:
            self.socket.send(CONTINUE)
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error

    def flush(self) -> bool:
        """Send more of the answer; whether that was all. Raises Closed."""
        try:
            while self.out:
                self.out = self.out[self.socket.send(self.out) :]
        except BlockingIOError:
            return False
        except OSError as error:
            raise Closed from error
        self.deadline = monotonic() + IDLE_S
        return True

    def linger(self) -> None:
        """Read for a while before closing: a reset of unread bytes could discard the answer."""
        self.lingers, self.deadline = True, monotonic() + LINGER_S
        self.buffer.clear()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Closed from error

    def discard(self) -> None:
        """Read and forget. Raises Closed."""
        self._receive()

    def _receive(self) -> bytes:
        try:
            data = self.socket.recv(_READ_MAX)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        return data
