"""The frozen dataset of a run or of a load check, a file in its folder.

Its parent process writes it; that and the children read it. A row is a task: `{"id", "data",
"labels", "split"}`, with the fields and labels of the targets only.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from mlapi.run_folder.json_file import reading

_NAME = "dataset.jsonl"
Row = dict[str, Any]


class DatasetFile:
    """The dataset in a folder. The jobs of all parts of a version share it in a process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME

    @contextmanager
    def writing(self) -> Iterator[Callable[[Row], None]]:
        """A function that writes one row after another."""
        with open(self._path, "wb") as lines:
            yield lambda row: lines.writelines((orjson.dumps(row), b"\n"))

    def __iter__(self) -> Iterator[Row]:
        """The rows as they were written, one in memory at a time. Raises RunFileInvalid."""
        with reading(self._path), open(self._path, "rb") as lines:
            for line in lines:
                yield orjson.loads(line)

    @cached_property
    def rows(self) -> list[Row]:
        """All rows, ordered by task; read once."""
        return sorted(self, key=lambda row: row["id"])
