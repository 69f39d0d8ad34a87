"""Whether Label Studio's events may have been missed: it sends each once.

Whoever refuses one notes it, and `mlapi.jobs.maintenance` reads what has changed.
"""


class _Gap:
    """A plain attribute: threads set it and one takes it."""

    def __init__(self) -> None:
        self.is_open = False


_gap = _Gap()


def note() -> None:
    """An event was refused, or could not be taken."""
    _gap.is_open = True


def take() -> bool:
    """Whether one was noted since the last call."""
    was_open, _gap.is_open = _gap.is_open, False
    return was_open
