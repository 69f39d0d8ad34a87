"""A Label Studio that accepts connections and never finishes an answer."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self


class HangingServer:
    """Answers nothing or, `dribbling`, one byte of an answer's head after the other."""

    def __init__(self, *, dribbling: bool = False) -> None:
        self._dribbling = dribbling
        self._stop = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.has_request = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stop.is_set():
                connection, _ = self._socket.accept()
                threading.Thread(target=self._hang, args=(connection,), daemon=True).start()

    def _hang(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            self.has_request.set()
            while not self._stop.is_set():
                if self._dribbling:
                    connection.sendall(b"H")
                time.sleep(0.05)
