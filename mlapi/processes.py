"""Processes that end with their parent, and process groups that are ended as a whole.

It imports nothing of ours: the supervisor and the child processes use it.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# Loaded by the parent: between fork and exec a child had better load nothing.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(number: signal.Signals) -> None:
    """Get that signal when the thread that started this process ends, however it ends (Linux)."""
    if _libc is None:
        return
    parent = os.getppid()
    _libc.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send the signal to every process of the group that is still there."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
