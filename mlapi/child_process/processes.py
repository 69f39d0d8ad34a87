"""What a child process sets for itself, and the signal to a whole process group.

Imports nothing of this project: the supervisor uses it as well.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_NAME = 15
# Loaded by the parent: between fork and exec a child had better load nothing.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(number: signal.Signals) -> None:
    """Has the kernel send the signal when the thread that started this process ends (Linux)."""
    if _libc is None:
        return
    parent = os.getppid()
    _libc.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)


def set_name(name: str) -> None:
    """Name this process for `ps` and `top` (Linux, 15 characters)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, name.encode()[:15])


def signal_group(group: int, number: signal.Signals) -> None:
    """Send the signal to every process of the group that is still there."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def begin() -> None:
    """Ends with the parent process, and has less priority than requests."""
    end_with_parent(signal.SIGKILL)
    os.nice(5)
