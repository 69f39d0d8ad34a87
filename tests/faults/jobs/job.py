"""Work that is killed: what it works on, what repeats it, and what must be true afterwards."""

from contextlib import ExitStack
from typing import Any

from registry import queue

OFF = {"enabled": False}  # a project's policy


class Job:
    """A job of a cluster, or an action, with its rows; created again for each kill."""

    cluster = queue.EVENTS
    settings: dict[str, Any] = {}
    # Whether only its own steps count, and not those of the jobs that it queues.
    alone = False
    # An action in place of the queue's jobs: its dotted name and its arguments.
    call: list[Any] | None = None

    def make(self, stack: ExitStack) -> None:
        """Make the rows, and queue the job."""
        raise NotImplementedError

    def repeat(self) -> None:
        """Do what repeats it besides the tick: a person, the next request, a worker's start."""

    def check(self) -> None:
        """Whether everything is as after a job that nobody has killed."""
        raise NotImplementedError
