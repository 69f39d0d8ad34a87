"""django-q's table as its queue, with a ring for trainings: no wait for the next look.

django-q looks into the table every `Conf.POLL` seconds. A trigger rings when a job of the cluster
`training` comes in (migration 0032). Not for events: a commit that rings waits for others that do,
and a webhook's is to be quick.
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
    """Returns from an empty queue when it rings, or after a fifth of a second."""

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
            session.poll()
            session.notifies.clear()

    def _listening(self) -> Any:
        """The connection's session, once it listens; None just now, when it may have missed one."""
        connection = connections[Conf.ORM]
        connection.ensure_connection()
        if self._session is connection.connection:
            return self._session
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self._session = connection.connection
        return None
