"""What a child process sets for itself and ends with, and the signal to a whole process group.

Imports nothing of this project: the supervisor uses it as well.
"""

import ctypes
import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_NAME = 15
# The exit status of a program whose disk is full: it could not write a file that says so.
DISK_FULL_STATUS = 28
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


def is_disk_full(error: BaseException) -> bool:
    """Whether the error says that a disk, or the share of it that one may use, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def status_of(work: Callable[[], int]) -> int:
    """The exit status of a program's work; DISK_FULL_STATUS where it ends for want of space."""
    try:
        return work()
    except OSError as error:
        if not is_disk_full(error):
            raise
        return DISK_FULL_STATUS
