"""Stopping the whole system by any signals at any moment: it is gone in time, with all it made."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests import data_folder
from tests.evals_backend.running import ROOT, environment, processes_of
from tests.ports import free_port
from tests.waiting import eventually

# The supervisor gives its processes 8 s and kills them then; PostgreSQL's end comes on top, and
# what else runs on this machine.
END_WITHIN_S = 120
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module")
def data_dir():
    # Not under pytest's own, which PostgreSQL's user may not read.
    folder = Path(tempfile.mkdtemp(prefix="evals-stopped-"))
    yield data_folder.prepare(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)


def stop_once(data_dir: Path, chance: random.Random) -> None:
    """Start it, and stop it some seconds later by one to three signals in quick succession."""
    log = data_dir.with_name("log")
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "evals_backend.serve"],
            cwd=ROOT,
            env=environment(data_dir, PORT=str(free_port())),
            stdout=output,
            stderr=output,
            start_new_session=True,
            # As of a terminal: tests that run in the background, or under nohup, ignore some.
            preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS],
        )
    after_s = chance.choice([chance.uniform(0, 2), chance.uniform(0, 20)])
    signals = [chance.choice(SIGNALS) for _ in range(chance.randint(1, 3))]
    by_group = chance.random() < 0.5
    case = f"{[s.name for s in signals]} after {after_s:.2f} s, {by_group=}"
    time.sleep(after_s)
    for number in signals:
        # As a terminal does it, or as `make` does that passes on what it got.
        os.killpg(process.pid, number) if by_group else process.send_signal(number)
        time.sleep(chance.choice([0, 0, 0.001, 0.1]))
    try:
        process.wait(END_WITHIN_S)
        assert eventually(lambda: processes_of(data_dir) == []), case
    except BaseException:
        print(case, log.read_text()[-4000:])
        raise
    finally:
        for left in processes_of(data_dir):
            left.kill()


@pytest.mark.parametrize("seed", [1, 3])  # while it starts, and once it serves
def test_it_stops_whole_at_any_moment(data_dir, seed):
    stop_once(data_dir, random.Random(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 300))
def test_it_stops_whole_at_any_of_many_moments(data_dir, seed):
    stop_once(data_dir, random.Random(seed))
