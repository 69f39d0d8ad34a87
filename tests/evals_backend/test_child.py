"""A child of the supervisor: what counts as a failed start, and when it is tried again."""

import os
import sys
from contextlib import suppress

import pytest

from evals_backend.supervisor import Child, always
from tests.waiting import eventually


class Signals:
    """Signals of a process that receives none."""

    def leave(self) -> None:
        pass


def on_demand() -> bool:
    return True


@pytest.mark.parametrize(
    ("is_needed", "code", "has_failed"),
    [(always, 0, True), (always, 1, True), (on_demand, 0, False), (on_demand, 1, True)],
)
def test_a_child_that_runs_on_demand_may_end_while_others_start_and_no_other(
    is_needed, code, has_failed
):
    child = Child("test", lambda _: sys.exit(code), is_needed)
    assert not child.has_failed
    child.start(Signals())
    assert eventually(lambda: not child.is_running)
    assert child.has_failed == has_failed


def test_a_fork_that_fails_is_tried_again_and_ends_nothing(monkeypatch):
    fork, failures = os.fork, iter([BlockingIOError("too many processes"), OSError("no memory")])

    def fail_twice() -> int:
        if failure := next(failures, None):
            raise failure
        return fork()

    monkeypatch.setattr(os, "fork", fail_twice)
    monkeypatch.setattr("evals_backend.supervisor._FIRST_PAUSE_S", 0.01)
    read, write = os.pipe2(os.O_NONBLOCK)
    child = Child("test", lambda _: os.write(write, b"runs"), on_demand)

    def runs() -> bytes:
        child.revive(Signals())
        with suppress(BlockingIOError):
            return os.read(read, 4)
        return b""

    assert eventually(runs)
    assert next(failures, None) is None
    child.kill()
