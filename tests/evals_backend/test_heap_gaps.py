"""Gaps in a parent's memory that are filled: what a fork allocates copies few shared pages."""

import subprocess
import sys

import pytest

from .running import ROOT

# Every other object is freed, so that half of each page is free; then a fork allocates as many.
CODE = """
import gc, os
from pathlib import Path
from evals_backend import heap_gaps

def private() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))

SIZE, N = {size}, {n}
objects = [bytes(SIZE) for _ in range(2 * N)]
kept, others = objects[::2], objects[1::2]
del objects
del others
if {fills}:
    heap_gaps.fill()
gc.collect()
gc.disable()
gc.freeze()
own = [None] * N
if os.fork() == 0:
    before = private()
    for i in range(N):
        own[i] = bytes(SIZE)
    print(private() - before, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize(("size", "n"), [(150, 5_000), (1_500, 6_000)])
def test_a_fork_takes_little_more_than_what_it_allocates(size, n):
    """Of Python's own allocator, and of the C library's, from which it has larger objects."""
    allocated = (size + 40) * n / 1024  # with an object's header
    unfilled, filled = private_kb(size, n, fills=False), private_kb(size, n, fills=True)
    print(f"{allocated:.0f} KB allocated: {unfilled} KB with gaps, {filled} KB without")
    assert filled < 1.3 * allocated
    assert unfilled > 1.6 * allocated


def private_kb(size: int, n: int, *, fills: bool) -> int:
    """The growth of a fork's private memory while it allocates `n` objects, in KB."""
    command = [sys.executable, "-c", CODE.format(size=size, n=n, fills=fills)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)
