"""Runs EvaDB statements, and writes DataFrames as tables.

`execute` is the only function that runs one, and reports each. Tables are written through the
storage engine, so no value becomes SQL text.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from evadb.expression.constant_value_expression import ConstantValueExpression
from evadb.models.storage.batch import Batch
from evadb.parser.create_function_statement import CreateFunctionStatement
from evadb.parser.load_statement import LoadDataStatement
from evadb.parser.parser import Parser
from evadb.server.command_handler import execute_statement
from evadb.storage.storage_engine import StorageEngine

from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from registry.errors import EvalsError


class StatementFailed(EvalsError):
    """EvaDB refused or failed a statement."""

    code = "eva_statement"


def execute(
    eva: Eva, statement: str, bindings: dict[str, Any] | None = None
) -> pd.DataFrame | None:
    """Run one statement; the rows of a SELECT with plain column names, else what EvaDB says.

    A constant `':name'` in the statement is replaced by `bindings["name"]` after parsing, so
    the value never is SQL text; also in CREATE FUNCTION, for the path and the metadata, and in
    LOAD, for the path, which EvaDB reads as a glob.
    Raises StatementFailed for whatever EvaDB raises.
    """
    started = time.perf_counter()
    try:
        parsed = Parser().parse(statement)
        if len(parsed) != 1:
            raise StatementFailed("Only one statement can be run at a time.")
        if bindings:
            _bind(parsed[0], bindings)
        batch = execute_statement(eva.database, parsed[0], do_not_print_exceptions=True)
    except StatementFailed:
        raise
    except Exception as e:  # EvaDB raises bare Exceptions of many libraries
        raise StatementFailed(f"{type(e).__name__}: {e} (in: {statement})") from e
    frame = None
    if batch is not None and batch.frames is not None:
        batch.drop_column_alias()
        frame = batch.frames
    seconds = round(time.perf_counter() - started, 4)
    ran = {"sql": statement, "seconds": seconds, "rows": 0 if frame is None else len(frame)}
    eva.on_statement({**ran, "bindings": bindings} if bindings else ran)
    return frame


def _bind(statement: Any, bindings: dict[str, Any]) -> None:
    """Put values in place of the constants that name them, wherever in the tree they are."""
    unbound = {f":{name}": value for name, value in bindings.items()}
    places = dict(unbound)
    if isinstance(statement, CreateFunctionStatement):
        path = str(statement._impl_path)
        if path in places:
            statement._impl_path = Path(places[path])
            unbound.pop(path, None)
        for i, (key, value) in enumerate(statement._metadata):
            if isinstance(value, str) and value in places:
                statement._metadata[i] = (key, places[value])
                unbound.pop(value, None)
    if isinstance(statement, LoadDataStatement) and str(statement.path) in places:
        unbound.pop(str(statement.path), None)
        statement._path = Path(places[str(statement.path)])
    for constant in _constants(statement):
        if isinstance(constant.value, str) and constant.value in places:
            unbound.pop(constant.value, None)
            constant._value = places[constant.value]
    if unbound:
        raise StatementFailed(f"The statement has no place for {min(unbound)!r}.")


def _constants(statement: Any) -> Iterator[ConstantValueExpression]:
    visited: set[int] = set()
    nodes = [statement]
    while nodes:
        node = nodes.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, ConstantValueExpression):
            yield node
        elif isinstance(node, list | tuple):
            nodes.extend(node)
        elif type(node).__module__.startswith("evadb."):
            nodes.extend(getattr(node, "__dict__", {}).values())


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
