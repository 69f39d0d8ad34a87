"""django-q's broker on the database, woken by NOTIFY when a training is queued.

django-q polls the table every `Conf.POLL` seconds. A trigger notifies of each job of the cluster
`training` (migrations 0032 and 0049). Not of events: commits with a NOTIFY wait for each other, and
a webhook's commit must be fast.
"""

import select
from typing import Any

from django.db import connections
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from registry import queue

CHANNEL = "registry_queue"
_POLL_S = 0.2


class NotifiedORM(ORM):
    """Waits at an empty queue for a notification, for a fifth of a second at most."""

    _session: Any = None

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The next jobs; None where there were none."""
        found: list[tuple[int, str]] | None = super().dequeue()  # without its sleep: `poll` is 0
        if not found:
            self._wait()
        return found

    def _wait(self) -> None:
        session = self._listening() if self.list_key == queue.TRAINING else None
        select.select([session] if session else [], [], [], _POLL_S)
        if session:
            with connections[Conf.ORM].wrap_database_errors:
                session.poll()
            session.notifies.clear()

    def _listening(self) -> Any:
        """The session that listens; None right after LISTEN, when a job may have come before it."""
        connection = connections[Conf.ORM]
        connection.ensure_connection()
        if self._session is connection.connection:
            return self._session
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self._session = connection.connection
        return None
