"""Writes markdown tables, and keeps them in a page's section, with machine and command."""

import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; a `|` in a cell is escaped."""
    lines = [_line(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *(_line(row) for row in rows)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def header(notes: Iterable[str] = ()) -> str:
    """When, with which command, on which commit and machine, and these notes."""
    module = Path(sys.argv[0]).stem
    command = shlex.join(["python", "-m", f"benchmarks.{module}", *sys.argv[1:]])
    load = os.getloadavg()[0]
    return (
        f"`{command}`\n\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}; {machine()}; "
        f"{'; '.join([f'load average {load:.1f} at the end', *notes])}.\n\n"
    )


def machine() -> str:
    """Processor, cores, memory, kernel and Python."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def publish(content: str, section: str | None, notes: Iterable[str] = ()) -> None:
    """Print the tables below their header, and write them into the page's section, if one is named.

    Called when all is measured: the header has the load at the end.
    """
    content = header(notes) + content
    print(content)
    if section:
        write(section, content)


def write(section: str, content: str, page: Path = PAGE) -> None:
    """Replace what stands between the section's markers, which must be there."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    old = page.read_text()
    if begin not in old or end not in old:
        raise SystemExit(f"{page.name} has no section {section}: it needs {begin} and {end}.")
    before, rest = old.split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text(f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = cpuinfo.exists() and re.search(r"model name\s*: (.+)", cpuinfo.read_text())
    return found[1].strip() if found else platform.machine()


def commit(root: Path = ROOT) -> str:
    """The commit, `-dirty` where files differ from it: others than the page that is written."""
    name = _git(root, "describe", "--always", "--abbrev=10")
    others = [".", f":(exclude){PAGE.relative_to(ROOT)}"]
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *others)
    return f"{name}-dirty" if changed else name or "unknown"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
