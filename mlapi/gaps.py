"""Records that an event of Label Studio may have been missed, because it sends each only once.

Code that refuses an event calls `note`; `mlapi.jobs.maintenance` then reads the changed tasks.
"""


class _Gap:
    """A plain attribute: threads set it and one takes it."""

    def __init__(self) -> None:
        self.is_open = False


_gap = _Gap()


def note() -> None:
    """Record that an event was refused, or could not be stored."""
    _gap.is_open = True


def take() -> bool:
    """Whether a missed event was noted since the last call."""
    was_open, _gap.is_open = _gap.is_open, False
    return was_open
