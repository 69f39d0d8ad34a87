"""Line charts over versions, days or numbers of examples; the sparkline is their small form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import plot
from .plot import Scale, Table, figure, nothing, svg, ticked

_MOST_DOTS = 120


@dataclass(frozen=True)
class Point:
    """A point of a line. `y` None is a gap; `label` names x; `low` to `high` is y's interval.

    The dot of a `faint` one is hollow: it is of few tasks.
    """

    x: float
    y: float | None
    label: str
    low: float | None = None
    high: float | None = None
    note: str = ""
    href: str = ""
    strong: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Series:
    """A line. A baseline is dashed and has no dots."""

    name: str
    points: Sequence[Point] = field(default_factory=tuple)
    style: Literal["main", "baseline"] = "main"


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x_name: str,
    within: tuple[float, float] | None = (0.0, 1.0),
    empty: str = "No data yet.",
) -> SafeString:
    """The chart of the lines over a common x; `within` are the limits of the y axis.

    The description contains the first, last, least and greatest value of each line, the table
    every point with its note and its link.
    """
    known = [s for s in series if any(p.y is not None for p in s.points)]
    if not known:
        return nothing(title, empty)
    points = [p for s in known for p in s.points]
    x = Scale(min(p.x for p in points), max(p.x for p in points))
    y = ticked(
        [v for p in points for v in (p.y, p.low, p.high) if v is not None and p.y is not None],
        within=within,
    )
    drawn = [
        plot.y_axis(y),
        plot.x_axis([(x.place(p.x), p.label) for p in _by_x(known)]),
        *(plot.lines([_band(s, x, y), _line(s, x, y)]) for s in known),
        *(_dots(s, x, y) for s in known if s.style != "baseline"),
    ]
    content = format_html_join("", "{}", ((part,) for part in drawn))
    drawing = svg(title, " ".join(_described(s) for s in known), content, "chart-plot")
    key = [(f"chart-line chart-{s.style}", s.name) for s in known] if len(known) > 1 else []
    return figure(title, drawing, key=key, table=_table(known, x_name))


def _by_x(series: Sequence[Series]) -> list[Point]:
    """One point per x, in order; its label is that of the first series with this x."""
    found: dict[float, Point] = {}
    for one in series:
        for point in one.points:
            found.setdefault(point.x, point)
    return [found[x] for x in sorted(found)]


def _runs(series: Series) -> list[list[Point]]:
    """The segments between gaps."""
    runs: list[list[Point]] = [[]]
    for point in series.points:
        if point.y is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _line(series: Series, x: Scale, y: Scale) -> SafeString:
    return format_html_join(
        "",
        '<polyline class="chart-line chart-{}" points="{}"/>',
        (
            (series.style, plot.path((x.place(p.x), y.place(p.y or 0.0)) for p in _widened(run, x)))
            for run in _runs(series)
            if len(run) > 1 or series.style == "baseline"
        ),
    )


def _widened(run: list[Point], x: Scale) -> list[Point]:
    """The run; a single point of a baseline becomes a line over the whole width."""
    if len(run) > 1:
        return run
    one = run[0]
    return [Point(x.low - 1, one.y, ""), Point(x.high + 1, one.y, "")] if x.low != x.high else run


def _band(series: Series, x: Scale, y: Scale) -> SafeString:
    def edge(run: list[Point]) -> list[tuple[float, float]]:
        upper = [(x.place(p.x), y.place(p.high or 0.0)) for p in run]
        lower = [(x.place(p.x), y.place(p.low or 0.0)) for p in reversed(run)]
        return upper + lower

    runs = [[p for p in run if p.low is not None and p.high is not None] for run in _runs(series)]
    return format_html_join(
        "",
        '<polygon class="chart-band" points="{}"/>',
        ((plot.path(edge(run)),) for run in runs if len(run) > 1),
    )


def _dots(series: Series, x: Scale, y: Scale) -> SafeString:
    points = [p for p in series.points if p.y is not None]
    alone = {run[0].x for run in _runs(series) if len(run) == 1}
    if len(points) > _MOST_DOTS:
        points = [p for p in points if p.strong or p.x in alone]
    return format_html_join(
        "",
        '{}<circle class="chart-dot chart-{}" cx="{}%" cy="{}%" r="{}"><title>{}</title></circle>',
        (
            (
                _whisker(p, x, y) if p.x in alone else "",
                " chart-".join([series.style, *_marks(p)]),
                plot.number(x.place(p.x)),
                plot.number(100 - y.place(p.y or 0.0)),
                6 if p.strong else 3.5,
                _description(p),
            )
            for p in points
        ),
    )


def _marks(point: Point) -> list[str]:
    return [name for name in ("strong", "faint") if getattr(point, name)]


def _whisker(point: Point, x: Scale, y: Scale) -> SafeString | str:
    """The interval of a point between gaps, where there is no band."""
    if point.low is None or point.high is None:
        return ""
    return plot.upright(x.place(point.x), y.place(point.low), y.place(point.high))


def _description(point: Point) -> str:
    return f"{point.label}: {_value(point)}" + (f", {point.note}" if point.note else "")


def _value(point: Point) -> str:
    if point.y is None:
        return "–"
    if point.low is None or point.high is None:
        return f"{point.y:.3f}"
    return f"{point.y:.3f} ({point.low:.3f} to {point.high:.3f})"


def _described(series: Series) -> str:
    known = [(p.y, p) for p in series.points if p.y is not None]
    least, most = min(known, key=lambda k: k[0])[1], max(known, key=lambda k: k[0])[1]
    first, last = known[0][1], known[-1][1]
    if len(known) == 1:
        return f"{series.name}: {_description(first)}."
    return (
        f"{series.name}: from {_description(first)}, to {_description(last)};"
        f" least {_description(least)}, greatest {_description(most)}."
    )


def _table(series: Sequence[Series], x_name: str) -> Table:
    by_x = [{p.x: p for p in s.points} for s in series]
    rows = []
    for point in reversed(_by_x(series)):
        label = (
            format_html('<a href="{}">{}</a>', point.href, point.label)
            if point.href
            else point.label
        )
        cells = [_value(known[point.x]) if point.x in known else "–" for known in by_x]
        rows.append([label, *cells, point.note])
    head = [x_name, *(s.name for s in series), "Note"]
    if not any(row[-1] for row in rows):
        return Table(head[:-1], [row[:-1] for row in rows])
    return Table(head, rows)


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
        _alternative(title, known, baseline),
        plot.lines([_baseline(baseline, y), _plain_line(line)]),
        plot.number(last_x),
        plot.number(100 - last_y),
    )


def _plain_line(places: list[tuple[float, float]]) -> SafeString:
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


def _alternative(title: str, known: list[float], baseline: float | None) -> str:
    newest = ", ".join(f"{v:.2f}" for v in known[-10:])
    beside = "" if baseline is None else f"; baseline {baseline:.2f}"
    return f"{title}: {newest}{beside}"
