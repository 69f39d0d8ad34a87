"""Writes DataFrames as EvaDB tables, through the storage engine: no value becomes SQL text."""

import pandas as pd
from evadb.models.storage.batch import Batch
from evadb.storage.storage_engine import StorageEngine

from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva

TYPES = {"integer": "INTEGER", "float": "FLOAT", "text": "TEXT(0)"}


def write_table(eva: Eva, name: str, frame: pd.DataFrame, types: dict[str, str]) -> None:
    """Create the table and write the frame; `types` maps each column to integer, float or text.

    None stays None, and any text that a database can hold comes back equal. The name must be new in
    the process (see `open_eva`). Raises UnsafeName for a name that is no identifier.
    """
    columns = ", ".join(f"{identifier(column)} {TYPES[kind]}" for column, kind in types.items())
    execute(eva, f"CREATE TABLE {identifier(name)} ({columns})")
    if frame.empty:
        return
    table = eva.database.catalog().get_table_catalog_entry(name)
    rows = frame[list(types)].astype(object).where(frame[list(types)].notna(), None)
    StorageEngine.factory(eva.database, table).write(table, Batch(rows))
