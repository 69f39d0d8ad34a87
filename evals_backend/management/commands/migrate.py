"""`manage.py migrate`: Django's, by one process at a time, and never on a later release's database.

Several servers may start at once on an empty database; the others wait, and find it migrated.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import DEFAULT_DB_ALIAS, connections

from registry import schema_state

_LOCK = 0x4D494752
_ASK_EVERY_S = 0.2


class Command(DjangoCommand):
    """Django's command, alone and guarded."""

    def handle(self, *args: Any, **options: Any) -> None:
        with _alone(options.get("database") or DEFAULT_DB_ALIAS):
            try:
                schema_state.require_not_newer()
            except schema_state.DatabaseNewer as error:
                raise CommandError(error.sentence) from error
            super().handle(*args, **options)


@contextmanager
def _alone(database: str) -> Iterator[None]:
    """While no other process migrates the database.

    On a connection of its own, outside of the migrations' transactions, and polled for: an
    index that is made concurrently would wait for a statement that waits for the lock.
    """
    own = connections[database].copy()
    try:
        with own.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
                if cursor.fetchone()[0]:
                    break
                time.sleep(_ASK_EVERY_S)
        yield
    finally:
        own.close()  # which releases the lock
