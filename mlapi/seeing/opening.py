"""Opens a picture file of ours as an array; files of others are read by `mlapi.media`."""

from pathlib import Path

import cv2
import numpy as np


def open_rgb(path: str | Path) -> np.ndarray | None:
    """The picture (h, w, 3) of uint8, RGB; None for a file that is none."""
    try:
        # Not cv2.imread, which cannot take every path that the system can.
        bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, TypeError, ValueError, cv2.error):
        return None
    return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
