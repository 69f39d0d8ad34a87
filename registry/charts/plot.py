"""Parts of a plot: axes, lines and marks, in per cent from the lower left corner."""

from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .scale import Scale

_APART = 19.0  # per cent of the width
_LONGEST_LABEL = 12


def number(value: float) -> str:
    """The number with two decimals, which is finer than a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def path(places: Iterable[tuple[float, float]]) -> str:
    """Coordinates as the `points` attribute of a line within `lines`; y counts upwards."""
    return " ".join(f"{number(x)},{number(100 - y)}" for x, y in places)


def lines(parts: Sequence[SafeString]) -> SafeString:
    """Lines and areas, stretched to the size of the plot without their strokes."""
    return format_html(
        '<svg viewBox="0 0 100 100" width="100%" height="100%" preserveAspectRatio="none"'
        ' class="chart-stretched">{}</svg>',
        format_html_join("", "{}", ((part,) for part in parts)),
    )


def upright(x: float, low: float, high: float) -> SafeString:
    """A vertical line: the interval at one x."""
    return format_html(
        '<line class="chart-whisker" x1="{0}%" x2="{0}%" y1="{1}%" y2="{2}%"/>',
        number(x),
        number(100 - low),
        number(100 - high),
    )


def y_axis(scale: Scale) -> SafeString:
    """The y axis: a line and a number per tick, left of the plot."""
    return format_html_join(
        "",
        '<line class="chart-grid" x1="0" x2="100%" y1="{0}%" y2="{0}%"/>'
        '<text class="chart-tick" x="-8" y="{0}%" dy="4" text-anchor="end">{1}</text>',
        ((number(100 - scale.place(tick)), f"{tick:.{scale.decimals}f}") for tick in scale.ticks),
    )


def x_axis(labels: Sequence[tuple[float, str]]) -> SafeString:
    """The x axis: some of the (place, label) pairs, always the first and the last."""
    return format_html_join(
        "",
        '<text class="chart-tick" x="{}%" y="100%" dy="20" text-anchor="{}">{}</text>',
        ((number(place), _anchor(place), _short(label)) for place, label in _apart(labels)),
    )


def _apart(labels: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The labels that do not overlap on a phone, from left to right."""
    if not labels:
        return []
    last = labels[-1]
    chosen: list[tuple[float, str]] = []
    for label in labels[:-1]:
        far = not chosen or label[0] - chosen[-1][0] >= _APART
        if far and last[0] - label[0] >= _APART:
            chosen.append(label)
    return [*chosen, last]


def _anchor(place: float) -> str:
    """The text anchor: the last label ends at the end of the plot, so that it is not cut off."""
    return "end" if place > 97 else "start" if place < 3 else "middle"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
