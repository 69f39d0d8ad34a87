"""A program that prints what it has of the processes before it."""

import json
import os
from pathlib import Path


def main(arguments: list[str]) -> int:
    warm = Path(f"/proc/{os.getppid()}")
    found = {
        "variables": dict(os.environ),
        "open": [os.readlink(f) for f in Path("/proc/self/fd").iterdir() if f.exists()],
        "folder": os.getcwd(),
        "warm_open": [os.readlink(f) for f in (warm / "fd").iterdir()],
        "warm_threads": len(list((warm / "task").iterdir())),
    }
    print(json.dumps(found))
    return 0
