"""Krippendorff's alpha of nominal values: agreement beyond what chance gives.

Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence


def alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """1 for agreement, 0 for chance; None where no unit has two values, or all are equal.

    A unit is a task with one value of each of its annotators.
    """
    pairable = [Counter(values) for values in units if len(values) > 1]
    of_value: Counter[Hashable] = Counter()
    disagreement = 0.0
    for counts in pairable:
        of_value.update(counts)
        m = counts.total()
        disagreement += (m * m - sum(n * n for n in counts.values())) / (m - 1)
    n = of_value.total()
    expected = n * n - sum(count * count for count in of_value.values())
    if not expected:
        return None
    return 1 - (n - 1) * disagreement / expected
