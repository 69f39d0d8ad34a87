"""Damages the EvaDB folder of a run, and undoes what can be undone."""

import shutil
import sqlite3
from pathlib import Path


class Damage:
    """Each kind of damage is a method; `undo` releases the locks."""

    def __init__(self) -> None:
        self._held: list[sqlite3.Connection] = []

    def delete(self, run: Path) -> None:
        """Remove all of the run's folder."""
        shutil.rmtree(run, ignore_errors=True)

    def corrupt(self, run: Path) -> None:
        """Write something else over the beginning of each file of EvaDB's."""
        for path in run.rglob("*"):
            if path.is_file() and path.parent != run:
                with open(path, "r+b") as file:
                    file.write(b"no longer what it was")

    def lock(self, run: Path) -> None:
        """Hold each of EvaDB's databases, as another process would."""
        for path in run.rglob("*.db"):
            session = sqlite3.connect(path, timeout=0, isolation_level=None)
            self._held.append(session)
            try:
                session.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                continue  # just now it is being written

    def undo(self) -> None:
        """Let go of what is locked."""
        while self._held:
            self._held.pop().close()


KINDS = ("delete", "corrupt", "lock")
