"""A pytest plugin that gives each test session a data folder, and so a PostgreSQL, of its own.

Loaded by `-p` before Django's settings are, because they read the environment.
"""

import atexit
import os
import shutil
import tempfile

os.environ.pop("DATABASE_URL", None)
_data_dir = tempfile.mkdtemp(prefix="evals-test-")
os.environ["DATA_DIR"] = _data_dir
# Registered before the embedded PostgreSQL registers its own stop, so it runs after it.
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
