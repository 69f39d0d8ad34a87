"""The 95 % Wilson score interval of a share. Pure."""

import math
from statistics import NormalDist


def wilson(correct: float, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927), within 0..1.

    Not by `scipy.stats.binomtest`, which a test holds it to: every web process would import
    scipy.stats (1.2 s, 74 MB) for its first page, and each interval would take 0.3 ms, not 5 µs.
    """
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.975)
    p = correct / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)
