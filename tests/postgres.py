"""The PostgreSQL servers of tests: the one that runs the tests, and that of a server's folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg2
from django.conf import settings
from django.db import connection


def database_url(name: str | None = None) -> str:
    """The URL of the tests' own database, or of another one on its server."""
    name = name or connection.settings_dict["NAME"]
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()


def postmaster(data_dir: Path) -> psutil.Process:
    """The main process of the server in a data folder."""
    return psutil.Process(int(_pid_file(data_dir)[0]))


def connect(data_dir: Path) -> Any:
    """A connection to the database of the server in a data folder."""
    return psycopg2.connect(host=_pid_file(data_dir)[4], user="postgres", dbname="postgres")


@contextmanager
def frozen(data_dir: Path) -> Iterator[None]:
    """The server in a data folder is stopped with all of its processes, and goes on afterwards."""
    main = postmaster(data_dir)
    stopped = []
    try:
        main.suspend()
        stopped.append(main)
        for process in main.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.suspend()
                stopped.append(process)
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _pid_file(data_dir: Path) -> list[str]:
    return (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
