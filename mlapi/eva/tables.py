"""Writes DataFrames as EvaDB tables, through the storage engine: no value becomes SQL text."""

from typing import Any

import numpy as np
import pandas as pd
from evadb.models.storage.batch import Batch
from evadb.storage.storage_engine import StorageEngine

from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva

TYPES = {
    "integer": "INTEGER",
    "float": "FLOAT",
    "text": "TEXT(0)",
    "vector": "NDARRAY FLOAT32(ANYDIM)",
    "image": "NDARRAY UINT8(ANYDIM, ANYDIM, 3)",
}


def write_table(eva: Eva, name: str, frame: pd.DataFrame, types: dict[str, str]) -> None:
    """Create the table and write the frame; `types` maps each column to one of TYPES.

    None stays None, and any text that a database can hold comes back equal, as does an array:
    a vector (n,), which is kept as float32, or an image (h, w, 3) of uint8. The name must be
    new in the process (see `open_eva`). Raises UnsafeName for a name that is no identifier.
    """
    columns = ", ".join(f"{identifier(column)} {TYPES[kind]}" for column, kind in types.items())
    execute(eva, f"CREATE TABLE {identifier(name)} ({columns})")
    if frame.empty:
        return
    table = eva.database.catalog().get_table_catalog_entry(name)
    rows = frame[list(types)].astype(object).where(frame[list(types)].notna(), None)
    for column in (column for column, kind in types.items() if kind == "vector"):
        rows[column] = rows[column].map(_float32, na_action="ignore")
    StorageEngine.factory(eva.database, table).write(table, Batch(rows))


def _float32(vector: Any) -> np.ndarray:
    return np.asarray(vector, np.float32)
