"""A folder for a server's data."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def new_data_dir() -> Iterator:
    """Makes paths of new data folders.

    Not under pytest's own: it closes that to other users again at every start, and PostgreSQL
    runs as another user where the tests are run by root.
    """
    made: list[Path] = []

    def make(name: str = "data") -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="evals-served-")))
        return made[-1] / name

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
