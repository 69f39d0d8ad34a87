"""One writer of a project's mirror at a time: the drain of its events, or the sync."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# The first keys of the two-key advisory locks, so that they never meet another use of them.
MIRROR = 0x4C53  # "LS": writes the mirror
DRAIN = 0x4C54  # drains events: a second drain leaves, while the first waits for the mirror
SCORES = 0x4C55  # scores unlabelled tasks: a second scoring leaves


@contextmanager
def project_lock(project_id: int, *, wait: bool = False, purpose: int = MIRROR) -> Iterator[bool]:
    """Hold one of PostgreSQL's advisory locks on the project; yields whether it was got.

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
