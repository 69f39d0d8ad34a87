"""The reliability diagram: accuracy by score (Niculescu-Mizil and Caruana 2005)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import plot
from .plot import Table, figure, nothing, svg, ticked

_LARGEST_DOT = 10.0


@dataclass(frozen=True)
class Bin:
    """Predictions with similar scores: mean score, accuracy with its interval, and count.

    Score and accuracy are within 0..1.
    """

    score: float
    correct: float
    n: int
    low: float | None = None
    high: float | None = None


def reliability_diagram(
    title: str, bins: Sequence[Bin], *, empty: str = "No data yet."
) -> SafeString:
    """The diagram: a dot per bin, sized by its count; on the diagonal scores are calibrated."""
    shown = [b for b in bins if b.n]
    if not shown:
        return nothing(title, empty)
    axis = ticked([0.0, 1.0], within=(0.0, 1.0))
    most = max(b.n for b in shown)
    content = format_html(
        "{}{}{}{}",
        plot.y_axis(axis),
        plot.x_axis([(axis.place(t), f"{t:.{axis.decimals}f}") for t in axis.ticks]),
        plot.lines(
            [SafeString('<polyline class="chart-line chart-baseline" points="0,100 100,0"/>')]
        ),
        format_html_join("", "{}{}", ((_whisker(b), _dot(b, most)) for b in shown)),
    )
    description = "Score and accuracy: " + "; ".join(_description(b) for b in shown) + "."
    return figure(
        title,
        svg(title, description, content, "chart-plot"),
        key=[
            ("chart-line chart-main", "Accuracy at this score"),
            ("chart-line chart-baseline", "A perfectly calibrated model"),
        ],
        table=Table(
            ["Mean score", "Accuracy", "95 % interval", "n"],
            [[f"{b.score:.3f}", f"{b.correct:.3f}", _interval(b), str(b.n)] for b in shown],
        ),
        css="chart-square",
    )


def _dot(one: Bin, most: int) -> SafeString:
    return format_html(
        '<circle class="chart-dot chart-main" cx="{}%" cy="{}%" r="{}"><title>{}</title></circle>',
        plot.number(100 * one.score),
        plot.number(100 - 100 * one.correct),
        plot.number(max(3.0, _LARGEST_DOT * (one.n / most) ** 0.5)),
        _description(one),
    )


def _whisker(one: Bin) -> SafeString | str:
    if one.low is None or one.high is None:
        return ""
    return plot.upright(100 * one.score, 100 * one.low, 100 * one.high)


def _interval(one: Bin) -> str:
    return "–" if one.low is None or one.high is None else f"{one.low:.3f} to {one.high:.3f}"


def _description(one: Bin) -> str:
    return f"{one.score:.2f} and {one.correct:.2f} of {one.n}"
