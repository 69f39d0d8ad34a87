"""Reading a project from Label Studio: the first time, and after a few changes.

    python -m benchmarks.reading [--texts 5000] [--changes 20] [--pause-ms 0]

Starts this project on a data folder of its own, and a stand-in for Label Studio's API beside it,
whose time is a row of its own: Label Studio takes 17 to 20 ms a task, `--pause-ms` is what the
stand-in waits for each. The project is set up as Label Studio does it; its first version is trained
while the rest is still being read.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from benchmarks.harness import command_line, numbers, processes, protocol, report, texts
from benchmarks.harness.subjects import Own
from tests.mlapi.labelstudio_api import Call, LabelStudioAPI

PROJECT = 1
FIRST_VERSION = "until the first version answers, s"
READ = "until all is read, s"
THEIRS = "of it Label Studio's stand-in, s"
TASKS = "tasks that were sent"
PEAK = "peak memory, PSS MB"
_POLL_S = 0.05
_AT_MOST_S = 3600


@dataclass
class StandIn(LabelStudioAPI):
    """Label Studio's API, with the time that it takes and the tasks that it sends."""

    pause_s: float = 0.0
    seconds: float = 0.0
    sent: int = 0

    def answer(self, call: Call) -> tuple[int, bytes]:
        began = time.perf_counter()
        status, body = super().answer(call)
        tasks = body.count(b'"annotations":')
        time.sleep(self.pause_s * tasks)
        self.sent += tasks
        self.seconds += time.perf_counter() - began
        return status, body

    def relabel(self, count: int) -> None:
        """Give so many tasks another label, a day later."""
        later = (protocol.CREATED_AT + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        for task in list(self.tasks.values())[:count]:
            task["updated_at"] = later
            (annotation,) = task["annotations"]
            annotation["updated_at"] = later
            chosen = annotation["result"][0]["value"]["choices"]
            chosen[:] = [label for label in texts.LABELS if label != chosen[0]][:1]


class Reading:
    """Of one project that is new to a started server."""

    def __init__(self, own: Own, api: StandIn) -> None:
        self._own, self._api = own, api
        self._uid = protocol.uid(PROJECT)

    def first(self) -> dict[str, float]:
        """From its first `/setup`."""
        with processes.PeakMemory(self._own.processes) as memory:
            began = time.monotonic()
            setup = protocol.setup(PROJECT) | {"hostname": self._api.url}
            self._own.post("/setup", setup).raise_for_status()
            found: dict[str, float] = {}
            while not {FIRST_VERSION, READ} <= found.keys():
                self._look(found, time.monotonic() - began)
                time.sleep(_POLL_S)
        rows = {name: found[name] for name in (FIRST_VERSION, READ)}
        return {**rows, THEIRS: self._api.seconds, TASKS: self._api.sent, PEAK: memory.peak_mb}

    def again(self, changes: int) -> dict[str, float]:
        """A run that is started by hand after so many changes of which no event came."""
        self._own.settle()
        self._api.relabel(changes)
        self._api.seconds, self._api.sent = 0.0, 0
        before = len(self._own.backend.runs(self._uid))
        start = protocol.start_training(PROJECT)
        with processes.PeakMemory(self._own.processes) as memory:
            self._own.post("/webhook", start).raise_for_status()
            run = self._own.backend.wait_for(lambda: self._ended(before), "the run", 600)
        if run["state"] != "succeeded":
            raise SystemExit(f"The run failed: {run['error_code']} {run['error']}")
        read = sum(p["seconds"] or 0.0 for p in run["phases"] if p["name"] == "reading labels")
        return {READ: read, THEIRS: self._api.seconds, TASKS: self._api.sent, PEAK: memory.peak_mb}

    def _look(self, found: dict[str, float], elapsed: float) -> None:
        if elapsed > _AT_MOST_S:
            raise SystemExit(f"Not read after {_AT_MOST_S} s.")
        if READ not in found and self._own.backend.project(self._uid).get("synced_at"):
            found[READ] = elapsed
        if FIRST_VERSION not in found and self._own.version(PROJECT, ["some text"]):
            found[FIRST_VERSION] = elapsed

    def _ended(self, before: int) -> dict[str, Any] | None:
        runs = self._own.backend.runs(self._uid)
        return runs[-1] if len(runs) > before and runs[-1]["ended_at"] else None


def measure(args: argparse.Namespace) -> str:
    """The table."""
    with ExitStack() as closing:
        created = protocol.CREATED_AT.isoformat().replace("+00:00", "Z")
        api = StandIn(protocol.LABEL_CONFIG, created=created, pause_s=args.pause_ms / 1000)
        for text, label in texts.pairs(args.texts):
            api.add({"text": text}, label)
        closing.enter_context(api)
        own = command_line.own(args, LABEL_STUDIO_URL=api.url, LABEL_STUDIO_API_KEY="a" * 40)
        closing.callback(own.close)
        own.start()
        reading = Reading(own, api)
        columns = [reading.first(), reading.again(args.changes)]
    rows = [
        [row, *(numbers.text(column[row]) if row in column else "" for column in columns)]
        for row in (FIRST_VERSION, READ, THEIRS, TASKS, PEAK)
    ]
    head = [f"{args.texts:,} labelled texts", "first", f"after {args.changes} changes"]
    return report.table(head, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into the page if asked."""
    parser = command_line.Parser(__doc__)
    parser.add_argument("--texts", type=int, default=5_000)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--pause-ms", type=float, default=0, help="of the stand-in, for each task")
    parser.add_environment()
    return parser.publish(measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
