"""A table with a bar in each row, such as a class and its F1."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import plot
from .plot import Scale


@dataclass(frozen=True)
class Bar:
    """A row of the table. `before` is the value to compare with, drawn as a mark; None: unknown."""

    label: str
    value: float | None
    before: float | None = None
    note: str = ""
    href: str = ""


def bar_table(
    title: str,
    bars: Sequence[Bar],
    *,
    name: str,
    value_name: str,
    before_name: str = "",
    note_name: str = "",
    within: tuple[float, float] = (0.0, 1.0),
) -> SafeString:
    """A table of the bars, its own text alternative; columns without a name are omitted."""
    scale = Scale(*within)
    head = [name, value_name, "", *filter(None, [before_name, note_name])]
    return format_html(
        '<figure class="chart-figure"><figcaption>{title}</figcaption>'
        '<div class="chart-scroll" tabindex="0" role="region" aria-label="{title}">'
        '<table class="bar-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div></figure>",
        title=title,
        head=format_html_join(
            "",
            "{}",
            (
                (format_html('<th scope="col">{}</th>', h) if h else SafeString("<td></td>"),)
                for h in head
            ),
        ),
        body=format_html_join(
            "", "{}", ((_row(bar, scale, bool(before_name), bool(note_name)),) for bar in bars)
        ),
    )


def _row(bar: Bar, scale: Scale, with_before: bool, with_note: bool) -> SafeString:
    label = format_html('<a href="{}">{}</a>', bar.href, bar.label) if bar.href else bar.label
    cells = [
        format_html('<td class="bar-value">{}</td>', _text(bar.value)),
        format_html('<td class="bar-cell">{}</td>', _drawn(bar, scale)),
    ]
    if with_before:
        cells.append(format_html('<td class="bar-value">{}</td>', _text(bar.before)))
    if with_note:
        cells.append(format_html("<td>{}</td>", bar.note))
    return format_html(
        '<tr><th scope="row">{}</th>{}</tr>',
        label,
        format_html_join("", "{}", ((cell,) for cell in cells)),
    )


def _drawn(bar: Bar, scale: Scale) -> SafeString:
    value = 0.0 if bar.value is None else scale.place(bar.value)
    mark: SafeString | str = ""
    if bar.before is not None:
        mark = format_html(
            '<line class="chart-before" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>',
            plot.number(scale.place(bar.before)),
        )
    return format_html(
        '<svg class="chart-bar" aria-hidden="true" focusable="false">'
        '<rect class="chart-track" width="100%" height="100%"/>'
        '<rect class="chart-filled" width="{}%" height="100%"/>{}</svg>',
        plot.number(value),
        mark,
    )


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
