"""Advisory locks of a project in PostgreSQL: one writer of its mirror at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# The first of the two keys, so that the locks never collide with another use.
MIRROR = 0x4C53  # "LS": writes the mirror
EVENTS = 0x4C54  # processes events: a second worker leaves, while the first waits for the mirror
SCORES = 0x4C55  # scores unlabelled tasks: a second worker leaves


@contextmanager
def project_lock(project_id: int, *, wait: bool = False, purpose: int = MIRROR) -> Iterator[bool]:
    """Holds one of PostgreSQL's advisory locks on the project; yields whether it was acquired.

    Of the session, not of a transaction, so that each event or batch commits by itself.
    Not to be held across a fork or a change of connection. With `wait` it waits its turn
    and always yields True; without, another holder makes it yield False at once. It is
    reentrant within a connection, as PostgreSQL's are.
    """
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [purpose, project_id])
            held = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [purpose, project_id])
            held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        # A connection that broke has given its locks back by itself.
        if held and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [purpose, project_id])
