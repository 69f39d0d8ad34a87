"""What the operator has set, for code that runs in child processes too: these have no settings, and
in their environment what `mlapi/child_process/supervise.py` passes on.
"""

import os
from typing import Any

TRAINING_CORES = "TRAINING_CORES"


def of(name: str) -> str:
    """The setting as text; "" where it is not set."""
    from django.conf import settings

    value: Any = getattr(settings, name) if settings.configured else os.environ.get(name, "")
    return str(value)


def training_cores() -> int:
    """How many cores a training may compute on: all, divided by the trainings that may run at once.

    Only in its child process, which has less priority than whatever answers requests; else one.
    """
    return int(os.environ.get(TRAINING_CORES, 1))
