"""A matrix of counts as a table whose cells are shaded by their counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Cell:
    """A count, and a link to the counted tasks.

    `is_right` marks predictions that are correct although row and column differ, `noun` is what is
    counted.
    """

    count: int
    href: str = ""
    is_right: bool = False
    noun: str = "task"


def heat_map(
    title: str,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Cell]],
) -> SafeString:
    """The table of `cells[row][column]`; a cell is shaded by its share of its row, as in recall.

    Correct cells (row and column have the same name, or `is_right`) have one colour, mistakes
    another. The table is its own text alternative.
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
        '<table class="heat-map"><thead><tr><th scope="col" class="heat-corner">Human ↓'
        " Model →</th>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>",
        title=title,
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
                _description(name, column, cell, total),
                _content(name, column, cell),
            )
            for column, cell in zip(columns, row, strict=True)
        ),
    )


def _description(human: str, model: str, cell: Cell, total: int) -> str:
    share = f" ({cell.count / total:.0%})" if total else ""
    return f"{cell.count} of {total} with human label {human}: predicted {model}{share}"


def _content(human: str, model: str, cell: Cell) -> SafeString | str:
    if not cell.count:
        return "0"
    if not cell.href:
        return f"{cell.count:,}"
    counted = f"1 {cell.noun}" if cell.count == 1 else f"{cell.count:,} {cell.noun}s"
    return format_html(
        '<a href="{}" aria-label="{}">{}</a>',
        cell.href,
        f"{counted}: human label {human}, predicted {model}",
        f"{cell.count:,}",
    )
