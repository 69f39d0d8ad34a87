"""Uses EvaDB once, for what it makes at its first use: the parser's and SQLAlchemy's caches.

These take 1 to 2 s, and a process that others are forked from makes them for all.
"""

import tempfile
from pathlib import Path

import pandas as pd

from mlapi.eva.execute import execute, write_table
from mlapi.eva.open import close_eva, open_eva

_TABLE = "rehearsal"


def rehearse() -> None:
    """Write and read a table in a directory that is gone afterwards, with its connections."""
    with tempfile.TemporaryDirectory() as folder:
        eva = open_eva(Path(folder))
        frame = pd.DataFrame({"id": [1], "text": ["a text"], "fold": [0]})
        write_table(eva, _TABLE, frame, {"id": "integer", "text": "text", "fold": "integer"})
        execute(eva, f"SELECT id, text, fold FROM {_TABLE} WHERE fold >= 0")  # noqa: S608
        close_eva(eva)
