"""Statistics of repeated measurements: medians, percentiles, spread, and ratios of pairs."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def median(values: Sequence[float]) -> float:
    """The median; NaN of nothing."""
    return statistics.median(values) if values else math.nan


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values don't exceed; NaN of none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


@dataclass(frozen=True)
class Ratio:
    """First over second, of slices that were measured next to each other."""

    median: float
    least: float
    most: float


def ratio_of_pairs(first: Sequence[float], second: Sequence[float]) -> Ratio | None:
    """The median of the pairs' ratios with the extremes; None where a side has nothing.

    A pair shares what the machine was doing at that moment, so its ratio is steadier than the
    ratio of the medians.
    """
    ratios = [a / b for a, b in zip(first, second, strict=False) if b and not math.isnan(a / b)]
    if not ratios:
        return None
    return Ratio(median(ratios), min(ratios), max(ratios))


def text(value: float) -> str:
    """Three significant digits, thousands separated; whole numbers as they are."""
    if math.isnan(value):
        return ""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def spread(values: Sequence[float]) -> str:
    """The median with the extremes in brackets; where all are equal, that value."""
    if len(set(values)) < 2:
        return text(median(values))
    return f"{text(median(values))} ({text(min(values))} to {text(max(values))})"
