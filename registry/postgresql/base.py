"""The database backend that settings name."""

import select
from contextlib import suppress

from django.db.backends.postgresql import base
from psycopg2 import errors, extensions

# The server looks that often, within a query, whether its client is still there. Not among the
# parameters of the connection's start, of which a pooler refuses those that it does not know.
_CHECK_CLIENT = "SET client_connection_check_interval = '1s'"
_UNSUPPORTED = (errors.InvalidParameterValue, errors.UndefinedObject)  # on the server's system


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells without a query whether a connection of an earlier request can be used."""

    def init_connection_state(self) -> None:
        """Has a query end soon after its client, such as a killed worker, with its locks."""
        super().init_connection_state()
        with suppress(*_UNSUPPORTED), self.connection.cursor() as cursor:
            cursor.execute(_CHECK_CLIENT)

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
