"""The frame of every chart: a caption, a key, the drawing, and its numbers as a table."""

from collections.abc import Sequence
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
