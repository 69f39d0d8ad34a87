"""Limits how often wrong credentials may be tried; counted per process, without I/O."""

import math
import threading
from time import monotonic

from registry.errors import HttpError

_NAMES_MAX = 20_000


class TooManyAttempts(HttpError):
    """Wrong credentials were sent too often; the next attempt is allowed after some seconds."""

    code = "too_many_attempts"
    text = "Too many wrong credentials."

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.retry_after_s = math.ceil(seconds)


class Throttle:
    """Allows `burst` attempts at once under a name, and one more every `every_s` seconds."""

    def __init__(self, burst: int, every_s: float) -> None:
        self._slack_s = (burst - 1) * every_s
        self._every_s = every_s
        self._lock = threading.Lock()
        # By name when all its attempts will be free again (the generic cell rate algorithm).
        self._free_at: dict[str, float] = {}

    def wait(self, name: str) -> float:
        """The seconds until an attempt is allowed; 0 where it is now."""
        return max(0.0, self._free_at.get(name, 0.0) - monotonic() - self._slack_s)

    def take(self, name: str) -> float:
        """Count an attempt, if one is allowed; else the seconds until one is."""
        with self._lock:
            if wait := self.wait(name):
                return wait
            if len(self._free_at) >= _NAMES_MAX:
                self._forget()
            self._free_at[name] = max(self._free_at.get(name, 0.0), monotonic()) + self._every_s
            return 0.0

    def give_back(self, name: str) -> None:
        """Undo the count of an attempt that was not wrong."""
        with self._lock:
            if name in self._free_at:
                self._free_at[name] -= self._every_s

    def clear(self) -> None:
        """Forget all attempts."""
        with self._lock:
            self._free_at.clear()

    def _forget(self) -> None:
        """Drop the names without a limit by now, else those whose limit ends first."""
        by_time = sorted(self._free_at.items(), key=lambda item: item[1])
        now = monotonic()
        still_limited = [item for item in by_time if item[1] > now][-_NAMES_MAX // 2 :]
        self._free_at = dict(still_limited)


class WrongCredentials:
    """Limits attempts with wrong credentials from one address, for each of them and for all.

    Those that were right before from that address are never refused for the others: neighbours
    behind a proxy have one address.
    """

    def __init__(self, of_one: Throttle, of_address: Throttle) -> None:
        self._of_one = of_one
        self._of_address = of_address
        self._right: dict[str, None] = {}  # ordered, as an address and the credentials' hash

    def check(self, address: str, digest: str) -> None:
        """Raises TooManyAttempts if these credentials may not be checked now."""
        name = f"{address} {digest}"
        if name in self._right:
            return
        if wait := max(self._of_one.wait(name), self._of_address.wait(address)):
            raise TooManyAttempts(wait)

    def note_wrong(self, address: str, digest: str) -> None:
        """Count these credentials as wrong, even if they were right before."""
        name = f"{address} {digest}"
        self._right.pop(name, None)
        self._of_one.take(name)
        self._of_address.take(address)

    def note_right(self, address: str, digest: str) -> None:
        """Record that these credentials were right."""
        name = f"{address} {digest}"
        if name not in self._right:
            if len(self._right) >= _NAMES_MAX:
                self._right.clear()
            self._right[name] = None

    def clear(self) -> None:
        """Forget everything."""
        self._of_one.clear()
        self._of_address.clear()
        self._right.clear()


# Of access keys and tokens, which cannot be guessed: the limits spare the database the queries, and
# leave enough of them to new ones from the same address. Of basic credentials, which can be.
KEYS = WrongCredentials(Throttle(burst=10, every_s=5), Throttle(burst=100, every_s=0.05))
TOKENS = WrongCredentials(Throttle(burst=10, every_s=5), Throttle(burst=100, every_s=0.05))
PASSWORDS = WrongCredentials(Throttle(burst=10, every_s=5), Throttle(burst=20, every_s=1))
# Of the admin's logins.
LOGINS_OF_USER_AT_ADDRESS = Throttle(burst=5, every_s=20)
LOGINS_OF_USER = Throttle(burst=20, every_s=10)
LOGINS_OF_ADDRESS = Throttle(burst=20, every_s=3)
LOGINS_OF_BROWSER = Throttle(burst=10, every_s=10)


def clear() -> None:
    """Forget all attempts of this process."""
    for credentials in (KEYS, TOKENS, PASSWORDS):
        credentials.clear()
    for logins in (
        LOGINS_OF_USER_AT_ADDRESS,
        LOGINS_OF_USER,
        LOGINS_OF_ADDRESS,
        LOGINS_OF_BROWSER,
    ):
        logins.clear()
