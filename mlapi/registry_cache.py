"""The process's cache of the rows that every request needs: its key, its project and champion.

A cached row is shared by threads and never changed. It is dropped when the database notifies its
change, and used only while the listener is current: else each request reads. Where the database
is away, the rows that were read last are used: champions answer without it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError

from mlapi.change_listener import ChangeListener
from registry import changes
from registry.models import AccessKey, Project
from registry.models.run import ACTIVE_TRAINING
from registry.postgresql import deadline

ENTRIES_MAX = 4_096
READ_S = 0.5  # for a read from the database, after which the row that was read last is used


@dataclass(frozen=True)
class _Entry:
    """A cached value, and the subject whose change drops it."""

    subject: str
    value: Any


class RegistryCache:
    """Reads rows by a name, and caches them while `listener` is current."""

    def __init__(self) -> None:
        self.listener = ChangeListener(self.drop, self.clear)
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, Any], _Entry] = {}
        self._changes = 0

    def get(self, name: tuple[str, Any], read: Callable[[], _Entry | None]) -> Any:
        """The value of that name, cached or read; where that fails, as it was read last."""
        entry = self.peek(name)
        if entry is not None:
            return entry.value
        last = self._entries.get(name)
        if last is None:
            return self.read(name, read)
        try:
            with deadline.within(READ_S):
                return self.read(name, read)
        except (OperationalError, InterfaceError):
            return last.value

    def peek(self, name: tuple[str, Any]) -> _Entry | None:
        """The cached entry of that name, if it may be used."""
        may_be_used = self.listener.is_current() or self.listener.is_away()
        return self._entries.get(name) if may_be_used else None

    def read(self, name: tuple[str, Any], read: Callable[[], _Entry | None]) -> Any:
        """Read the value anew and cache it; None, which isn't, where `read` finds nothing."""
        if self.listener.is_away():
            raise OperationalError("the database is away")  # no request waits to find that out
        is_current, before = self.listener.is_current(), self._changes
        entry = read()
        if entry is None:
            return None
        with self._lock:
            # What was read may be older than a change that was notified meanwhile.
            if is_current and before == self._changes:
                if len(self._entries) >= ENTRIES_MAX:
                    self._entries.clear()
                self._entries[name] = entry
        return entry.value

    def drop(self, subject: str) -> None:
        """Drop what depends on the subject."""
        with self._lock:
            self._changes += 1
            stale = [name for name, entry in self._entries.items() if entry.subject == subject]
            for name in stale:
                del self._entries[name]

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._changes += 1
            self._entries.clear()


CACHE = RegistryCache()


def project(uid: str) -> Project | None:
    """The project of that uid with its champion; one query, or none."""

    def read() -> _Entry | None:
        found = Project.objects.select_related("champion").filter(uid=uid).first()
        return _Entry(changes.project_subject(found.pk), found) if found else None

    return CACHE.get(("project", uid), read)


def cached_project(uid: str) -> Project | None:
    """The project of that uid if it is cached; no query."""
    entry = CACHE.peek(("project", uid))
    return entry.value if entry else None


def stored_project(uid: str, store: Callable[[], Project]) -> Project:
    """The project that `store` stores and returns, which is cached from then on."""

    def read() -> _Entry:
        project = store()
        return _Entry(changes.project_subject(project.pk), project)

    return CACHE.read(("project", uid), read)


def access_key(digest: str) -> AccessKey | None:
    """The key that isn't revoked, with its project; one query, or none."""

    def read() -> _Entry | None:
        valid = AccessKey.objects.filter(digest=digest, revoked_at__isnull=True)
        found = valid.select_related("project").first()
        return _Entry(changes.key_subject(found.pk), found) if found else None

    return CACHE.get(("key", digest), read)


def active_run(project: Project) -> int | None:
    """The id of the project's active training, None without one; one query, or none."""

    def read() -> _Entry:
        active = project.runs.filter(ACTIVE_TRAINING).values_list("pk", flat=True)
        return _Entry(changes.project_subject(project.pk), active.first())

    return CACHE.get(("run", project.pk), read)
