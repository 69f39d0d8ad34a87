"""What a child process sets for itself when it begins."""

import os
import signal

from mlapi.processes import end_with_parent


def begin() -> None:
    """End with the parent process, and run behind every request. The parent sets the threads."""
    end_with_parent(signal.SIGKILL)
    os.nice(5)
