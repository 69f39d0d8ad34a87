"""A child of the supervisor: what counts as a failed start."""

import sys

import pytest

from evals_backend.supervisor import Child, always
from tests.waiting import eventually


class Signals:
    """Those of a process that gets none."""

    def leave(self) -> None:
        pass


def a_while() -> bool:
    return True


@pytest.mark.parametrize(
    ("is_wanted", "code", "has_failed"),
    [(always, 0, True), (always, 1, True), (a_while, 0, False), (a_while, 1, True)],
)
def test_a_child_that_runs_on_demand_may_end_while_others_start_and_no_other(
    is_wanted, code, has_failed
):
    child = Child("test", lambda _: sys.exit(code), is_wanted)
    assert not child.has_failed
    child.start(Signals())
    assert eventually(lambda: not child.is_running)
    assert child.has_failed == has_failed
