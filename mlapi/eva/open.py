"""Opens an EvaDB directory without the network, and with a cached catalog.

`evadb.connect()` is not used: it registers all built-in functions, which imports torch and
downloads weights. EvaDB asks for its catalog a dozen times in a statement and makes a new one
each time (5 to 7 ms each); here a thread keeps the ones it has.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import evadb.database
from evadb.catalog.catalog_manager import CatalogManager
from evadb.configuration.constants import EvaDB_DATASET_DIR
from evadb.database import EvaDBDatabase

from mlapi.eva.patches import keep_in_this_process

_kept = threading.local()


def _catalog(uri: str) -> CatalogManager:
    """The thread's own catalog of a directory: a SQLAlchemy session belongs to one thread."""
    catalogs = _kept.__dict__.setdefault("catalogs", {})
    if uri not in catalogs:
        catalogs[uri] = CatalogManager(uri)
    return catalogs[uri]


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
    keep_in_this_process()
    database = evadb.database.init_evadb_instance(str(directory))
    # EvaDB overrides its own choice with "": LOAD would make its folders where Python was started.
    datasets = str(directory / EvaDB_DATASET_DIR)
    database.catalog().upsert_configuration_catalog_entry("datasets_dir", datasets)
    return Eva(database, directory, on_statement or (lambda statement: None))
