"""The progress of a child process: lines of `progress.jsonl`, which its parent follows."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_NAME = "progress.jsonl"


def is_phase(recorded: str, phase: str) -> bool:
    """Whether a recorded phase is the one of this name, in any part of the version."""
    return recorded == phase or recorded.endswith(f": {phase}")


class ProgressWriter:
    """Appends one JSON object per line, each at once, so that the parent reads whole lines.

    `name` is that of a version's part, in phases, log and counts, where it has several.
    """

    def __init__(
        self, folder: Path, *, begin: float = 0.0, end: float = 1.0, name: str = ""
    ) -> None:
        self._folder = folder
        self.path = folder / _NAME
        self._begin, self._end = begin, end
        self._name = name

    def part(self, begin: float, end: float, name: str = "") -> "ProgressWriter":
        """A writer for the part of the work from `begin` to `end`, each within 0..1."""
        span = self._end - self._begin
        return ProgressWriter(
            self._folder,
            begin=self._begin + span * begin,
            end=self._begin + span * end,
            name=name or self._name,
        )

    def phase(self, name: str, progress: float) -> None:
        """Begins a phase now; `progress` within 0..1 of this part."""
        within = min(max(progress, 0.0), 1.0)
        done = self._begin + (self._end - self._begin) * within
        self._append({"phase": self._named(name), "at": time.time(), "progress": round(done, 3)})

    def log(self, text: str) -> None:
        """Appends a line to the run's log."""
        self._append({"log": self._named(text)})

    def unreadable(self, tasks: Mapping[str, int]) -> None:
        """The number of tasks without an input that can be read, by code of the reason."""
        self._append({"unreadable": dict(tasks), "part": self._name})

    def statement(self, statement: dict[str, Any]) -> None:
        """Appends an executed EvaDB statement: `{"sql", "seconds", "rows"}`."""
        self._append({"statement": statement})

    def _named(self, text: str) -> str:
        return f"{self._name}: {text}" if self._name else text

    def _append(self, line: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")


class ProgressReader:
    """Reads what a child process appends to the file from now on."""

    def __init__(self, folder: Path) -> None:
        self._path = path = folder / _NAME
        # An earlier program of the same run may have written to it.
        self._offset = path.stat().st_size if path.exists() else 0

    def new(self) -> list[dict[str, Any]]:
        """The complete lines since the last call; a half-written one is left for the next."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                chunk = file.read()
        except FileNotFoundError:
            return []
        complete, newline, _ = chunk.rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        lines = []
        for line in complete.splitlines():
            try:
                lines.append(orjson.loads(line))
            except ValueError:
                continue  # a line that two writers tore
        return [line for line in lines if isinstance(line, dict)]
