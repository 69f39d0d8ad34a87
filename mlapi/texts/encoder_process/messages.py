"""What the encoder process and those that call it exchange: frames of JSON and of float32.

A caller sends one end of a new pair of sockets through a socket that all processes of a server have
from their parent: there is no address that anybody else could connect to, and no file. What is sent
while the encoder process is down waits there for the next one.
"""

import json
import select
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlapi.domain import TrainingFailed
from mlapi.texts.refs import EncoderRef

TEXTS_AT_ONCE = 16  # of one request; a longer list is several, so that others have their turn
_LENGTH = struct.Struct("!I")


class Closed(ConnectionError):
    """The other side has closed, or ended."""


def calls() -> tuple[socket.socket, socket.socket]:
    """Made before the fork: where callers send, and where the encoder process receives."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return sender, receiver


def call_waits(receiver: socket.socket) -> bool:
    """Whether one is to be received."""
    return bool(select.select([receiver], [], [], 0)[0])


def send_request(connection: socket.socket, ref: EncoderRef, texts: Sequence[str]) -> None:
    _send(connection, _json([ref.encoder, ref.encoder_name, list(texts)]))


def receive_request(connection: socket.socket) -> tuple[EncoderRef, list[str]]:
    """Raises Closed."""
    encoder, name, texts = json.loads(_receive(connection))
    return EncoderRef(encoder, name), texts


def send_vectors(connection: socket.socket, vectors: np.ndarray) -> None:
    """(n, size) float32."""
    _send(connection, _json({"shape": vectors.shape}))
    _send(connection, np.ascontiguousarray(vectors, np.float32).tobytes())


def send_failure(connection: socket.socket, failure: TrainingFailed) -> None:
    _send(connection, _json({"failure": [failure.code, failure.message], "hint": failure.hint}))


def receive_vectors(connection: socket.socket) -> np.ndarray:
    """(n, size) float32. Raises Closed, and the TrainingFailed that was sent instead."""
    head = json.loads(_receive(connection))
    if "failure" in head:
        code, message = head["failure"]
        raise TrainingFailed(code, message, hint=head["hint"])
    return np.frombuffer(_receive(connection), np.float32).reshape(head["shape"])


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()  # ASCII, also of lone surrogates


def _send(connection: socket.socket, content: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(content)) + content)


def _receive(connection: socket.socket) -> bytes:
    (length,) = _LENGTH.unpack(_receive_exactly(connection, _LENGTH.size))
    return _receive_exactly(connection, length)


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    content = bytearray()
    while len(content) < length:
        part = connection.recv(min(length - len(content), 1 << 20))
        if not part:
            raise Closed
        content += part
    return bytes(content)
