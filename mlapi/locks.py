"""Advisory locks of a project in PostgreSQL: one writer of its mirror at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from registry.queue import PROCESSING_LOCK

# The first of the two keys, so that the locks never collide with another use.
MIRROR = 0x4C53  # "LS": writes the mirror
EVENTS = PROCESSING_LOCK  # processes events: a second worker leaves
SCORES = 0x4C55  # scores unlabelled tasks: a second worker leaves
READING = 0x4C56  # reads from Label Studio: a second process leaves
_READING_SLOT = 0x4C57  # of the events workers, however many projects there are
_DELIVERIES = 0x4C58  # sends to webhooks: a second process leaves

_POLL_S = 0.02


class LockBusy(Exception):  # noqa: N818 - someone else works: nothing failed
    """The lock was not free in time."""


@contextmanager
def project_lock(
    project_id: int, *, wait: bool = False, wait_s: float | None = None, purpose: int = MIRROR
) -> Iterator[bool]:
    """Holds one of PostgreSQL's advisory locks on the project; yields whether it was acquired.

    Of the session, not of a transaction, so that each event or batch commits by itself.
    Not to be held across a fork or a change of connection. With `wait` it waits its turn
    and always yields True; with `wait_s` it waits for so long, and raises LockBusy then; without,
    another holder makes it yield False at once. It is reentrant within a connection, as
    PostgreSQL's are.
    """
    if wait:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [purpose, project_id])
        held = True
    else:
        held = _acquire(project_id, purpose, wait_s or 0)
        if not held and wait_s is not None:
            raise LockBusy
    try:
        yield held
    finally:
        # A connection that broke has given its locks back by itself.
        if held and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [purpose, project_id])


@contextmanager
def reading_slot() -> Iterator[bool]:
    """Holds one of the events workers for a reading; yields whether there was one.

    All but one can read at a time: Label Studio may be slow, and events are to go on.
    """
    for slot in range(max(1, settings.EVENT_WORKERS - 1)):
        with project_lock(slot, purpose=_READING_SLOT) as held:
            if held:
                yield True
                return
    yield False


@contextmanager
def delivery_slot() -> Iterator[bool]:
    """Holds the sending to webhooks; yields whether no other process does it."""
    with project_lock(0, purpose=_DELIVERIES) as held:
        yield held


def is_locked(project_id: int, purpose: int) -> bool:
    """Whether any process holds the lock: it is gone at once when its process is."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_LOCKED, [purpose, project_id])
        return bool(cursor.fetchone()[0])


_IS_LOCKED = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s
        AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""


def _acquire(project_id: int, purpose: int, seconds: float) -> bool:
    """Whether the lock was free within that time; by polling, so that no transaction ends by it."""
    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [purpose, project_id])
            if cursor.fetchone()[0]:
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_S)
