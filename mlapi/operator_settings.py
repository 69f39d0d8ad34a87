"""What the operator has set, for code that runs in child processes too: these have no settings, and
in their environment what `mlapi/child_process/supervise.py` passes on.
"""

import os
from typing import Any


def of(name: str) -> str:
    """The setting as text; "" where it is not set."""
    from django.conf import settings

    value: Any = getattr(settings, name) if settings.configured else os.environ.get(name, "")
    return str(value)
