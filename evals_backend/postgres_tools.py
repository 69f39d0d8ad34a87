"""Runs pg_dump and pg_restore on the database of DATABASE_URL, wherever that is."""

import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection

from evals_backend import postgres_wheel
from evals_backend.postgres_wheel import PostgresFailed

# By the names of psycopg's parameters. A password in the environment is not in `ps`.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def dump(file: Path, snapshot: str) -> None:
    """Dump the database, as it is in the exported snapshot, into a file of pg_dump's custom format.

    Raises PostgresFailed.
    """
    _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", *_PLAIN, f"--file={file}")


def load(file: Path) -> None:
    """Load the dump into the database, whole or not at all. Raises PostgresFailed."""
    options = ("--single-transaction", "--exit-on-error", *_PLAIN)
    _run("pg_restore", *options, f"--dbname={connection.settings_dict['NAME']}", str(file))


_PLAIN = ("--no-owner", "--no-privileges")


def _run(program: str, *arguments: str) -> None:
    parameters = connection.get_connection_params()
    variables = {
        name: str(parameters[parameter])
        for parameter, name in _VARIABLES.items()
        if parameters.get(parameter)
    }
    done = subprocess.run(  # noqa: S603
        [_path(program), *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PostgresFailed(f"{program} failed ({done.returncode}): {done.stderr.strip()}")


def _path(program: str) -> str:
    """The wheel's program, else the one on the PATH. Raises PostgresFailed."""
    try:
        own = postgres_wheel.programs() / program
    except PostgresFailed:
        own = None
    found = str(own) if own and own.exists() else shutil.which(program)
    if found is None:
        raise PostgresFailed(f"{program} is not installed: install PostgreSQL's client programs.")
    return found
