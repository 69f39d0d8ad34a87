"""One table of several whole runs: of each cell the median of the runs, with the extremes."""

import re
from collections.abc import Sequence

from . import numbers

_NUMBER = r"-?[\d,]+(?:\.\d+)?"
# A median, which may have its own run's extremes behind it, in bold or of percent.
_CELL = re.compile(rf"(\**)({_NUMBER})(%?)(?: \({_NUMBER}%? to {_NUMBER}%?\))?\**")
_RANGE = re.compile(rf"({_NUMBER}) to ({_NUMBER})")


def merged(contents: Sequence[str]) -> str:
    """The tables of all runs as those of one; lines beside tables are those of the first run.

    Rows are known by their table and their first cell; a run may lack some.
    """
    first, *others = [_lines(content) for content in contents]
    lines: dict[tuple[int, str], str] = {}
    for key, line in [*first.items(), *(pair for other in others for pair in other.items())]:
        lines.setdefault(key, line)
    # What only a later run has goes to the end of its table.
    ordered = sorted(lines, key=lambda key: key[0])
    return "".join(
        f"{_merged_row([run[key] for run in (first, *others) if key in run])}\n" for key in ordered
    )


def _lines(content: str) -> dict[tuple[int, str], str]:
    """Each line by its table's number and its first cell, or its place where it is in no row."""
    found: dict[tuple[int, str], str] = {}
    block, place, in_table = 0, 0, False
    for line in content.splitlines():
        is_row, is_rule = line.startswith("| "), line.startswith("|---")
        if is_row != in_table and not is_rule:
            block, place, in_table = block + 1, 0, is_row
        place += 1
        found[block, _cells(line)[0] if is_row else f"line {place}"] = line
    return found


def _cells(line: str) -> list[str]:
    return re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))


def _merged_row(lines: Sequence[str]) -> str:
    if not lines[0].startswith("| "):
        return lines[0]
    name, *columns = zip(*(_cells(line) for line in lines), strict=True)
    return f"| {' | '.join([name[0], *map(_merged_cell, columns)])} |"


def _merged_cell(cells: Sequence[str]) -> str:
    """The median of numbers with the extremes; the widest of ranges; else each different text."""
    numbered = [_CELL.fullmatch(cell.strip()) for cell in cells]
    if found := [match for match in numbered if match]:
        values, unit = [_value(match[2]) for match in found], found[0][3]
        texts = [numbers.text(value) + unit for value in _median_and_extremes(values)]
        spread = f" ({texts[1]} to {texts[2]})" if len(set(texts)) > 1 else ""
        return f"{found[0][1]}{texts[0]}{spread}{found[0][1]}"
    ranges = [match for cell in cells if (match := _RANGE.fullmatch(cell.strip()))]
    if ranges:
        least, most = min(_value(m[1]) for m in ranges), max(_value(m[2]) for m in ranges)
        return f"{numbers.text(least)} to {numbers.text(most)}"
    return "; ".join(dict.fromkeys(cells))


def _median_and_extremes(values: Sequence[float]) -> tuple[float, float, float]:
    return numbers.median(values), min(values), max(values)


def _value(text: str) -> float:
    return float(text.replace(",", ""))
