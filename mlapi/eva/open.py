"""Opens an EvaDB directory without the network, with a cached catalog that waits for no disk.

`evadb.connect()` is not used: it registers all built-in functions, which imports torch and
downloads weights. EvaDB asks for its catalog a dozen times in a statement and makes a new one
each time (5 to 7 ms each); here a thread keeps the ones it has.
"""

import functools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import evadb.database
from evadb.catalog import catalog_manager
from evadb.catalog.catalog_manager import CatalogManager
from evadb.catalog.models.base_model import BaseModel
from evadb.catalog.models.configuration_catalog import ConfigurationCatalog
from evadb.catalog.sql_config import CATALOG_TABLES, SQLConfig
from evadb.configuration.constants import EvaDB_DATASET_DIR
from evadb.database import EvaDBDatabase
from evadb.executor import load_multimedia_executor
from sqlalchemy import Engine, create_engine, delete, event, insert
from sqlalchemy.pool import StaticPool

_cached = threading.local()

# A directory is work space that goes with its job: no commit has to wait for the disk.
_NO_WAIT = ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = MEMORY")
# A lock that is held for longer is not of its job. EvaDB would wait for 1,000 seconds.
LOCKED_FOR_S = 10.0


def _catalog(uri: str) -> CatalogManager:
    """The thread's own catalog of a directory: a SQLAlchemy session belongs to one thread."""
    catalogs = _cached.__dict__.setdefault("catalogs", {})
    if uri not in catalogs:
        config = SQLConfig(uri)  # the one that the catalog will use
        event.listen(config.engine, "do_connect", _wait_briefly)
        event.listen(config.engine, "connect", _never_wait)
        catalogs[uri] = CatalogManager(uri)
    return catalogs[uri]


def _wait_briefly(
    dialect: object, record: object, arguments: list[Any], parameters: dict[str, Any]
) -> None:
    parameters["timeout"] = LOCKED_FOR_S


def _never_wait(connection: sqlite3.Connection, record: object) -> None:
    for statement in _NO_WAIT:
        connection.execute(statement)


def _make_catalog(engine: Engine) -> None:
    """Write the catalog's file where there is none, whole; a new directory has one opener.

    EvaDB would make each of its tables every time, and also the tables that the process made in
    other directories.
    """
    path = Path(str(engine.url.database))
    if not path.exists():
        draft = path.with_suffix(".part")
        draft.write_bytes(_empty_catalog())
        draft.replace(path)


@functools.cache
def _empty_catalog() -> bytes:
    """A SQLite file of the catalog's tables, without a row: processes that are forked have it."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    tables = [BaseModel.metadata.tables[name] for name in CATALOG_TABLES]
    BaseModel.metadata.create_all(engine, tables=tables)
    content = connection.serialize()
    engine.dispose()
    return content


def _write_configuration(catalog: CatalogManager, configuration: Mapping[str, Any]) -> None:
    """Write all values in one transaction; EvaDB reads, writes and commits each by itself."""
    session = catalog.sql_config.session
    table = ConfigurationCatalog.__table__
    session.execute(delete(table).where(table.c.key.in_(list(configuration))))
    rows = [{"key": key, "value": value} for key, value in configuration.items()]
    session.execute(insert(table), rows)
    session.commit()


class _InThisProcess:
    """A Pool that maps in this process, which is all that EvaDB's LOAD uses of one.

    From twice as many images as cores on, LOAD makes a multiprocessing.Pool and never closes it, so
    its processes last until the garbage collector finds it. And a process with threads that forks
    may leave a child waiting for ever for a lock that nobody holds.
    """

    def __init__(self, processes: int) -> None:
        """`processes` is the number that EvaDB passes; none is started."""

    def map(self, function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
        return [function(value) for value in values]


@dataclass
class Eva:
    """An open EvaDB directory, and a callback for each statement that runs in it."""

    database: EvaDBDatabase
    directory: Path
    on_statement: Callable[[dict[str, Any]], None] = field(default=lambda statement: None)

    @property
    def models(self) -> Path:
        """Where AutoML leaves its pickles, each under the name of its function."""
        return self.directory / "models"


def open_eva(directory: Path, on_statement: Callable[[dict[str, Any]], None] | None = None) -> Eva:
    """Open, or make, the EvaDB directory (0700). Everything that EvaDB writes lies in it.

    `on_statement` is called with `{"sql", "seconds", "rows"}` after each statement. EvaDB's
    table metadata is global to the process, so table names must not come back in another
    directory of the same process.
    """
    directory = Path(directory).resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(directory, 0o700)
    evadb.database.get_catalog_instance = _catalog  # also what the database object is given
    evadb.database.bootstrap_configs = _write_configuration
    catalog_manager.init_db = _make_catalog
    # For good, not only while a LOAD runs: another thread may load at the same time.
    load_multimedia_executor.Pool = _InThisProcess
    database = evadb.database.init_evadb_instance(str(directory))
    # EvaDB overrides its own choice with "": LOAD would make its folders where Python was started.
    datasets = str(directory / EvaDB_DATASET_DIR)
    database.catalog().upsert_configuration_catalog_entry("datasets_dir", datasets)
    return Eva(database, directory, on_statement or (lambda statement: None))


def close_eva(eva: Eva) -> None:
    """Close this thread's connections to the directory."""
    catalog: CatalogManager = _cached.__dict__["catalogs"].pop(eva.database.catalog_uri)
    catalog.sql_config.session.remove()
    catalog.close()
