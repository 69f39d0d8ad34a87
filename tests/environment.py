"""A pytest plugin that gives each test process settings, data and a PostgreSQL of its own.

With xdist each worker is such a process. Loaded by `-p` before Django's settings are, because
they read the environment.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

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
_data_dir = tempfile.mkdtemp(prefix="evals-test-")
os.environ["DATA_DIR"] = _data_dir
# Registered before the embedded PostgreSQL registers its own stop, so it runs after it.
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
