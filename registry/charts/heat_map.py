"""A matrix of counts as a table whose cells are the darker the more they hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Cell:
    """How many; a link to what they are, for cells that hold any.

    `is_right` says so of answers that are no mistakes although they are called something else.
    """

    count: int
    href: str = ""
    is_right: bool = False


def heat_map(
    title: str,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Cell]],
    row_name: str = "Human",
    column_name: str = "Model",
) -> SafeString:
    """`cells[row][column]`; a cell is shaded by its share of its row, as recall is counted.

    Cells whose row and column have the same name, and those that say so, are right and have
    one colour; the others are mistakes and have another. Being a table, it is its own text
    alternative.
    """
    head = format_html_join("", '<th scope="col"><span>{}</span></th>', ((c,) for c in columns))
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        ((name, _row(name, columns, row)) for name, row in zip(rows, cells, strict=True)),
    )
    return format_html(
        '<figure class="chart-figure"><figcaption>{title}</figcaption>'
        '<div class="chart-scroll" tabindex="0" role="region" aria-label="{title}">'
        '<table class="heat-map"><thead><tr><th scope="col" class="heat-corner">{rows} ↓'
        " {columns} →</th>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>",
        title=title,
        rows=row_name,
        columns=column_name,
        head=head,
        body=body,
    )


def _row(name: str, columns: Sequence[str], row: Sequence[Cell]) -> SafeString:
    total = sum(cell.count for cell in row)
    return format_html_join(
        "",
        '<td class="{}" style="--share:{}" title="{}">{}</td>',
        (
            (
                "heat-right" if column == name or cell.is_right else "heat-wrong",
                f"{cell.count / total if total else 0:.3f}",
                _said(name, column, cell, total),
                _content(name, column, cell),
            )
            for column, cell in zip(columns, row, strict=True)
        ),
    )


def _said(human: str, model: str, cell: Cell, total: int) -> str:
    share = f" ({cell.count / total:.0%})" if total else ""
    return f"{cell.count} of {total} {human} answered {model}{share}"


def _content(human: str, model: str, cell: Cell) -> SafeString | str:
    if not cell.count:
        return "0"
    if not cell.href:
        return f"{cell.count:,}"
    return format_html(
        '<a href="{}" aria-label="{}">{}</a>',
        cell.href,
        f"{cell.count:,} tasks: {human} answered as {model}",
        f"{cell.count:,}",
    )
