"""Has texts encoded by the server's encoder process."""

import socket
import time
from collections.abc import Sequence

import numpy as np
from more_itertools import chunked

from mlapi.texts.encoder_process import messages
from mlapi.texts.refs import EncoderRef
from registry.errors import EvalsError

# For each request: it waits while the process starts and loads its model, a second or two, and
# while texts of other requests are encoded.
_WITHIN_S = 30.0
# After one that had no answer nobody waits again for so long: threads would pile up.
_PAUSE_S = 5.0
_ATTEMPTS = 2  # a killed process is started again at once


class EncoderUnavailable(EvalsError):
    """The encoder process does not answer: it was killed more than once, or has too much to do."""

    code = "encoder_unavailable"


class EncoderClient:
    """Shared by all threads of a process; also by its forks, as each call has its own sockets."""

    def __init__(
        self, sender: socket.socket, within_s: float = _WITHIN_S, pause_s: float = _PAUSE_S
    ) -> None:
        self._sender = sender
        self._within_s = within_s
        self._pause_s = pause_s
        self._again_at = 0.0
        sender.settimeout(within_s)

    def vectors(self, ref: EncoderRef, texts: Sequence[str]) -> list[np.ndarray]:
        """One vector of each text.

        Raises EncoderUnavailable, and TrainingFailed as `encoder_for` does.
        """
        if time.monotonic() < self._again_at:
            raise EncoderUnavailable("The encoder process did not answer a moment ago.")
        found: list[np.ndarray] = []
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._encode(ref, texts, found)
                return found
            except OSError as error:  # also a timeout
                if attempt < _ATTEMPTS and isinstance(error, ConnectionError):
                    continue
                self._again_at = time.monotonic() + self._pause_s
                reason = str(error) or "it ended"
                raise EncoderUnavailable(
                    f"The encoder process does not answer: {reason}."
                ) from error
        raise AssertionError  # the last attempt returns or raises

    def _encode(self, ref: EncoderRef, texts: Sequence[str], found: list[np.ndarray]) -> None:
        """Adds the vectors of the texts that have none yet."""
        with self._connect() as connection:
            for some in chunked(texts[len(found) :], messages.TEXTS_AT_ONCE):
                messages.send_request(connection, ref, some)
                found.extend(messages.receive_vectors(connection))

    def _connect(self) -> socket.socket:
        own, its = socket.socketpair()
        with its:
            own.settimeout(self._within_s)
            try:
                socket.send_fds(self._sender, [b"."], [its.fileno()])
            except BaseException:
                own.close()
                raise
        return own
