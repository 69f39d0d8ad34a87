"""Scales of axes: round ticks, and the position of a value in per cent."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, with ticks within."""

    low: float
    high: float
    ticks: tuple[float, ...] = ()

    def place(self, value: float) -> float:
        """The position between low and high in per cent, within 0..100; 50 on an empty axis."""
        if self.high == self.low:
            return 50.0
        share = (value - self.low) / (self.high - self.low)
        return 100 * min(1.0, max(0.0, share))

    @property
    def decimals(self) -> int:
        """The number of decimals that distinguishes a tick from the next."""
        if len(self.ticks) < 2:
            return 2
        return max(0, -math.floor(math.log10(self.ticks[1] - self.ticks[0]) + 1e-9))


def ticked(
    values: Iterable[float], *, within: tuple[float, float] | None = None, about: int = 4
) -> Scale:
    """The axis around the values, which begins and ends at a round tick.

    `within` are ends that it does not pass, as 0 and 1 for shares, or 0 and infinity. Steps are
    1, 2 or 5 times a power of ten (Heckbert 1990, "Nice numbers for graph labels").
    """
    known = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        half = abs(low) * 0.1 or 0.1
        low, high = low - half, high + half
    step = _round_step((high - low) / about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if within:
        least, greatest = within[0] / step + 1e-9, within[1] / step - 1e-9
        first = max(first, math.floor(least)) if math.isfinite(least) else first
        last = min(last, math.ceil(greatest)) if math.isfinite(greatest) else last
    ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    factor = next(f for f in (1, 2, 5, 10) if rough / power <= f + 1e-9)
    return factor * power
