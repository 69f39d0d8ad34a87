"""The parts of every chart: frame, key, table of numbers, axes, lines and marks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Table:
    """The text alternative: column names, and rows of text or of safe markup."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def svg(title: str, description: str, content: SafeString, css: str) -> SafeString:
    """An SVG that screen readers announce as one image with a name and a description."""
    return format_html(
        '<svg class="{}" role="img" focusable="false"><title>{}</title><desc>{}</desc>{}</svg>',
        css,
        title,
        description,
        content,
    )


def figure(
    title: str,
    drawing: SafeString,
    *,
    key: Sequence[tuple[str, str]] = (),
    table: Table | None = None,
    css: str = "",
) -> SafeString:
    """The whole chart. `key` has the CSS class and the name of each line."""
    return format_html(
        '<figure class="chart-figure {}"><figcaption>{}{}</figcaption>{}{}</figure>',
        css,
        title,
        _key(key),
        drawing,
        _numbers(title, table) if table else "",
    )


def nothing(title: str, why: str) -> SafeString:
    """A chart without data, which shows the reason."""
    return format_html(
        '<figure class="chart-figure"><figcaption>{}</figcaption>'
        '<p class="chart-empty">{}</p></figure>',
        title,
        why,
    )


def _key(key: Sequence[tuple[str, str]]) -> SafeString | str:
    if not key:
        return ""
    entries = format_html_join(
        "",
        '<span class="chart-key"><svg class="chart-swatch" aria-hidden="true">'
        '<line class="{}" x1="0" x2="100%" y1="50%" y2="50%"/></svg>{}</span>',
        key,
    )
    return format_html('<span class="chart-keys">{}</span>', entries)


def _numbers(title: str, table: Table) -> SafeString:
    head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in table.head))
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (row[0], format_html_join("", "<td>{}</td>", ((cell,) for cell in row[1:])))
            for row in table.rows
        ),
    )
    return format_html(
        '<details class="chart-numbers"><summary>As a table</summary>'
        '<div class="chart-scroll" tabindex="0" role="region" aria-label="{}: the numbers">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></details>",
        title,
        head,
        rows,
    )


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


def ticked(values: Iterable[float], *, within: tuple[float, float] | None = None) -> Scale:
    """The axis around the values, which begins and ends at a round tick.

    `within` are ends that it does not pass, as 0 and 1 for shares, or 0 and infinity. Steps are
    1, 2 or 5 times a power of ten (Heckbert 1990, "Nice numbers for graph labels").
    """
    known = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        half = abs(low) * 0.1 or 0.1
        low, high = low - half, high + half
    step = _round_step((high - low) / _INTERVALS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if within:
        least, greatest = within[0] / step + 1e-9, within[1] / step - 1e-9
        first = max(first, math.floor(least)) if math.isfinite(least) else first
        last = min(last, math.ceil(greatest)) if math.isfinite(greatest) else last
    ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


_INTERVALS = 4  # between ticks, approximately


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    factor = next(f for f in (1, 2, 5, 10) if rough / power <= f + 1e-9)
    return factor * power


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
