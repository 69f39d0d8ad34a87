"""An upgrade of a large database while events go on arriving: none is held up."""

import os
import threading
from contextlib import closing
from time import monotonic, sleep

import psycopg2
import pytest
from django.db import connection

from . import restore
from .conftest import _installation

ROWS = int(os.environ.get("UPGRADED_ROWS", "200000"))  # events, and as many tasks
MAX_DELAY_S = 1.0
# A row as it stands in the table, whatever its columns are called at that moment.
ANOTHER = """
INSERT INTO {table} SELECT (jsonb_populate_record(
    NULL::{table}, to_jsonb(t) || jsonb_build_object('id', nextval('{table}_id_seq')) || {change}
)).* FROM (SELECT * FROM {table} ORDER BY id LIMIT 1) t, generate_series(1, {n})
"""


class EventInserts:
    """Inserts an event every few milliseconds, and measures how long each took."""

    def __init__(self, name: str) -> None:
        self.longest = 0.0
        self.after = ""  # the migration that was applied before the longest
        self.n = 0
        self._parameters = connection.get_connection_params() | {"dbname": name}
        for unknown in ("cursor_factory", "context"):
            self._parameters.pop(unknown, None)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._insert)

    def __enter__(self) -> "EventInserts":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _insert(self) -> None:
        statement = ANOTHER.format(table="registry_event", change="'{}'", n=1)
        with closing(psycopg2.connect(**self._parameters)) as own:
            own.autocommit = True
            cursor = own.cursor()
            while not self._ended.wait(0.005):
                started_at = monotonic()
                cursor.execute(statement)
                spent = monotonic() - started_at
                self.n += 1
                if spent > self.longest:
                    self.longest = spent
                    cursor.execute("SELECT name FROM django_migrations ORDER BY id DESC LIMIT 1")
                    self.after = cursor.fetchone()[0]


@pytest.mark.nightly
@pytest.mark.long
def test_no_event_waits_for_a_migration(store, django_db_setup, django_db_blocker):
    name = "upgraded_beside_events"
    with django_db_blocker.unblock(), _installation(store):
        restore.restore(name)
        try:
            with restore.database(name):
                with connection.cursor() as cursor:
                    cursor.execute(ANOTHER.format(table="registry_event", change="'{}'", n=ROWS))
                    task = (
                        "jsonb_build_object('split', 'train',"
                        " 'labelstudio_id', 1000000 + generate_series,"
                        """ 'labels', '{"label": "Positive"}'::jsonb)"""
                    )
                    cursor.execute(ANOTHER.format(table="registry_task", change=task, n=ROWS))
                    cursor.execute("ANALYZE")
                with EventInserts(
                    name
                ) as before:  # how long one takes on this machine at this moment
                    sleep(5)
                with EventInserts(name) as inserts:
                    restore.upgrade()
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT count(*) FROM registry_task WHERE classes @> '{label=Positive}'"
                    )
                    assert cursor.fetchone()[0] >= ROWS
                    cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
                    assert cursor.fetchone() == (0,)
        finally:
            restore.server(f"DROP DATABASE {name} WITH (FORCE)")
    print(f"{inserts.n} events, the longest held up for {inserts.longest:.3f} s by {inserts.after}")
    assert inserts.n > 100
    assert inserts.longest < max(MAX_DELAY_S, 20 * before.longest)  # on a machine that is busy
