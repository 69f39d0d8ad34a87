"""The database backend that settings name."""

import select

from django.db.backends.postgresql import base
from psycopg2 import extensions


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells without a query whether a connection of an earlier request can be used."""

    def is_usable(self) -> bool:
        """False where the server has closed the connection: between queries it sends nothing else.

        A server that is lost in silence is found out by the next query, at its deadline.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status == extensions.TRANSACTION_STATUS_INERROR:
            return False  # as Django's own query, which an aborted transaction refuses
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()
