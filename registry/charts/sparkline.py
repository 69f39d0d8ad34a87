"""A line chart of the size of a word: a metric over versions, with its baseline."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import plot
from .plot import Scale


def sparkline(
    values: Sequence[float | None], *, title: str, baseline: float | None = None
) -> SafeString:
    """The line of the values from old to new, without None; empty if there are none."""
    known = [v for v in values if v is not None]
    if not known:
        return SafeString("")
    shown = [*known, baseline] if baseline is not None else known
    low, high = min(shown), max(shown)
    margin = (high - low) * 0.1
    y = Scale(low - margin, high + margin)
    x = Scale(0, len(known) - 1)
    line = [(x.place(i), y.place(v)) for i, v in enumerate(known)]
    last_x, last_y = line[-1]
    return format_html(
        '<svg class="chart-sparkline" role="img" focusable="false"><title>{}</title>{}'
        '<circle class="chart-dot chart-main" cx="{}%" cy="{}%" r="3"/></svg>',
        _description(title, known, baseline),
        plot.lines([_baseline(baseline, y), _line(line)]),
        plot.number(last_x),
        plot.number(100 - last_y),
    )


def _line(places: list[tuple[float, float]]) -> SafeString:
    if len(places) < 2:
        return SafeString("")
    return format_html('<polyline class="chart-line chart-main" points="{}"/>', plot.path(places))


def _baseline(value: float | None, y: Scale) -> SafeString:
    if value is None:
        return SafeString("")
    level = y.place(value)
    return format_html(
        '<polyline class="chart-line chart-baseline" points="{}"/>',
        plot.path([(0, level), (100, level)]),
    )


def _description(title: str, known: list[float], baseline: float | None) -> str:
    said = ", ".join(f"{v:.2f}" for v in known[-10:])
    beside = "" if baseline is None else f"; baseline {baseline:.2f}"
    return f"{title}: {said}{beside}"
