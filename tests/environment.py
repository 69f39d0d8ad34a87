"""A pytest plugin that gives each test process settings, data and a PostgreSQL of its own.

With xdist each worker is such a process. Loaded by `-p` before Django's settings are, because
they read the environment.
"""

import atexit
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

SETTINGS = frozenset(
    re.findall(
        r"\benv\.\w+\(\s*\"([A-Z_0-9]+)\"",
        (Path(__file__).resolve().parents[1] / "evals_backend" / "settings.py").read_text(),
    )
)

for _name in SETTINGS:
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)
# Several workers share the cores: a pool of threads in each would only make them wait.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# A run starts the product some hundred times, and its own modules in each worker: what is compiled
# once is read by all of them, also where the environment (a container's) has it written nowhere.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
_folder = tempfile.mkdtemp(prefix="evals-test-")
os.environ["DATA_DIR"] = f"{_folder}/data"
# Registered before the embedded PostgreSQL registers its own stop, so it runs after it.
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

# pytest closes its temporary folder to other users each time that one of its processes starts.
# A PostgreSQL of a test that runs beside that is another user, and dies of it. So each run has a
# folder of its own; xdist's workers inherit it.
_failed = False


def _remove(folder: str) -> None:
    if not _failed:
        shutil.rmtree(folder, ignore_errors=True)


if "PYTEST_DEBUG_TEMPROOT" not in os.environ:
    os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.mkdtemp(prefix="evals-pytest-")
    atexit.register(_remove, os.environ["PYTEST_DEBUG_TEMPROOT"])


def pytest_sessionfinish(exitstatus: int) -> None:
    """The files of a run that failed stay, to be looked at."""
    global _failed
    _failed = bool(exitstatus)


@pytest.hookimpl(wrapper=True)  # which is called before pytest-django's, which is the first else
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """Give this process a migrated PostgreSQL, before Django's settings start it."""
    from tests import data_folder

    data_folder.prepare(Path(os.environ["DATA_DIR"]))
    return (yield)
