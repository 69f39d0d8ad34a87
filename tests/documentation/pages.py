"""Reads the repository's Markdown: pages, their links and anchors, and rows of their tables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def text_of(path: str) -> str:
    """The text of a page, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def section(path: str, heading: str) -> str:
    """The text under a second-level heading. Raises IndexError where there is none."""
    return text_of(path).split(f"\n## {heading}\n", 1)[1].split("\n## ")[0]


def first_cells(markdown: str) -> list[str]:
    """The first cell of each row of the tables, without the rows of heads and lines."""
    rows = re.findall(r"^\|(.*?)(?<!\\)\|", markdown, re.MULTILINE)
    heads = re.findall(r"^\|(.*?)\|.*\n\|[ :|-]+\|$", markdown, re.MULTILINE)
    cells = [row.strip() for row in rows if row.strip(" :-")]
    return [cell for cell in cells if cell not in {head.strip() for head in heads}]


def named(markdown: str) -> set[str]:
    """The code in the first cells of the tables: `a`, `b` in one cell are two names."""
    return {code for cell in first_cells(markdown) for code in re.findall(r"`([^`]+)`", cell)}


def links(page: Path) -> list[str]:
    """The targets of a page's links and images."""
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return _LINK.findall(_CODE.sub("", prose))


def anchors(page: Path) -> set[str]:
    """The ids that a code host gives to the headings of a page."""
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    counts: dict[str, int] = {}
    found = set()
    for heading in _HEADING.findall(prose):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = counts.get(slug, 0)
        counts[slug] = number + 1
        found.add(f"{slug}-{number}" if number else slug)
    return found
