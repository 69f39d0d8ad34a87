"""The peak of memory of a piece of code, in a process of its own."""

import subprocess
import sys

from tests.evals_backend.running import ROOT

# Not getrusage's ru_maxrss: a process inherits it from the one that started it.
_AROUND = """
import re, sys
from pathlib import Path
from mlapi.images.decoding import read_image
import numpy as np
from PIL import Image

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
{code}
print(peak() - before)
"""


def peak_mb(code: str, *arguments: object) -> float:
    """The code's peak memory beyond its imports, in MB; `sys.argv` has the arguments."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _AROUND.format(code=code), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout) / 1024
