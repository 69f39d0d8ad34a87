"""Runs an export's own program where the backend is not."""

import json
import subprocess
import sys
from pathlib import Path

# What belongs to the backend and not to an export.
_ABSENT = ("django", "evadb", "mlapi", "registry", "label_studio_sdk", "mlflow", "pandas")
_PROGRAM = f"""
import json, runpy, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_ABSENT[:-2]}:
            raise ImportError("absent: " + name)
sys.meta_path.insert(0, Absent())
sys.argv = ["predict.py", sys.argv[1]]
runpy.run_path("predict.py", run_name="__main__")
"""


def predicted(folder: Path, rows: list[dict]) -> list[dict]:
    """The output of predict.py on these tasks, in a process that cannot import the backend."""
    tasks = folder.parent / "tasks.jsonl"
    tasks.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM, str(tasks)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
