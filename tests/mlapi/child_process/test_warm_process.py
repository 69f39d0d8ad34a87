"""A warm process: what it is, and that what it forks never hangs."""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from mlapi.child_process import supervise, warm_process
from mlapi.child_process.supervise import Limits, program
from mlapi.run_folder.result import read_result
from tests.mlapi.conftest import as_own
from tests.mlapi.image_files import digits
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import image_job as image_job
from tests.mlapi.training_child.conftest import make_job as make_job
from tests.mlapi.training_child.conftest import stored_features as stored_features
from tests.mlapi.training_child.conftest import target, tasks
from tests.waiting import PATIENCE_S, eventually

LIMITS = Limits(seconds=600, memory_mb=4096)


@pytest.fixture
def warm(shared_warm_process):
    """The warm process of a training worker."""
    with as_own(shared_warm_process):
        yield warm_process.running()


@pytest.fixture
def small(tmp_path):
    """A warm process that starts at once."""
    supervise.start_warm_process("tests.mlapi.child_process.small_warm_process")
    yield warm_process.running()
    warm_process.stop()


def train(job, checkpoint=lambda: None, *, may_fork: bool = True) -> str:
    """The hash of the artifact that the job makes; `checkpoint` is called meanwhile."""
    child = program("mlapi.training.child", str(job.folder))
    supervise.supervise(child, job.folder, LIMITS, may_fork=may_fork, checkpoint=checkpoint)
    return read_result(job.folder).artifact_sha256


def nice_values() -> set[int]:
    """The nice values of all child processes, relative to this process's."""
    own, found = psutil.Process(), set()
    for process in own.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found.add(process.nice() - own.nice())
    return found


def descriptors(process: psutil.Process) -> list[str]:
    folder = Path(f"/proc/{process.pid}/fd")
    return [os.readlink(link) for link in folder.iterdir()]


def test_it_has_one_thread_no_connection_and_no_socket_but_its_own(warm, make_job):
    process = psutil.Process(warm.pid)
    for _ in range(2):
        train(make_job(tasks(*some_texts(60)), [target()]))
        assert process.num_threads() == 1
        assert len([d for d in descriptors(process) if "socket" in d]) == 1
        assert not [d for d in descriptors(process) if d.endswith(".db")]


def test_a_fork_trains_what_a_process_of_its_own_trains(warm, make_job):
    job, other = (make_job(tasks(*some_texts(80)), [target()], number=7) for _ in range(2))
    assert train(job) == train(other, may_fork=False)


def test_a_training_has_less_priority_than_requests(warm, make_job):
    found: set[int] = set()

    train(make_job(tasks(*some_texts(20)), [target()]), lambda: found.update(nice_values()))

    assert max(found) == 5


@pytest.mark.nightly
def test_a_fork_trains_on_images_and_imports_what_reads_them_by_itself(warm, image_job):
    files, labels = digits(80)
    job, other = (image_job(files, labels, fresh=True, number=7) for _ in range(2))

    assert train(job) == train(other, may_fork=False)

    process = psutil.Process(warm.pid)
    assert process.num_threads() == 1
    assert not [m.path for m in process.memory_maps() if "cv2" in m.path]


def test_a_fork_has_the_environment_and_the_descriptors_of_no_parent(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "a secret")
    work = tmp_path / "work"
    work.mkdir()
    fork = small.fork("tests.mlapi.training.small_child", ["hang", str(work)], work / "o", 1)
    wait_for_pids(tmp_path / "pids.json")
    fork.poll()
    assert "SECRET_KEY" not in psutil.Process(fork.pid).environ()
    assert not [d for d in descriptors(psutil.Process(fork.pid)) if "socket" in d]


def test_a_fork_ends_with_the_process_that_ordered_it(tmp_path):
    source = (
        "import os, sys; from pathlib import Path\n"
        "from mlapi.child_process.warm_process import WarmProcess\n"
        "warm = WarmProcess('tests.mlapi.child_process.small_warm_process', os.environ, "
        "Path.cwd())\n"
        "fork = warm.fork('tests.mlapi.training.small_child', ['hang', sys.argv[1]], "
        "Path(sys.argv[1]) / 'o', 1)\n"
        "fork.wait()\n"
    )
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(settings.BASE_DIR)}
    parent = subprocess.Popen(
        [sys.executable, "-c", source, str(work)],
        cwd=settings.BASE_DIR,
        env=environment,
    )
    pids = wait_for_pids(tmp_path / "pids.json")
    parent.kill()
    parent.wait()
    assert all_end(pids)


_WORKER = """
import os, socket, sys
from pathlib import Path
from mlapi.child_process import warm_process
listener = socket.create_server(("127.0.0.1", 0))
module = "tests.mlapi.child_process.small_warm_process"
warm_process.start(module, {"PATH": os.environ["PATH"]}, Path(sys.argv[1]), fork=True)
output = Path(sys.argv[1]) / "told.json"
fork = warm_process.running().fork("tests.mlapi.child_process.process_report", [], output, 1)
assert fork.wait() == 0
warm_process.stop()
"""


def test_one_that_is_forked_from_its_worker_has_nothing_of_it_but_the_memory(tmp_path):
    environment = {**os.environ, "SECRET_KEY": "a secret", "PYTHONPATH": str(settings.BASE_DIR)}
    subprocess.run([sys.executable, "-c", _WORKER, str(tmp_path)], env=environment, check=True)
    recorded = json.loads((tmp_path / "told.json").read_text())
    assert "SECRET_KEY" not in recorded["variables"]
    assert recorded["variables"]["OMP_NUM_THREADS"] == "1"
    assert recorded["folder"] == str(tmp_path)
    assert not [name for name in recorded["open"] if "socket" in name]
    assert len([name for name in recorded["warm_open"] if "socket" in name]) == 1
    assert recorded["warm_threads"] == 1


def wait_for_pids(path: Path) -> list[int]:
    assert eventually(path.exists)
    return json.loads(path.read_text())


def all_end(pids: list[int]) -> bool:
    return eventually(lambda: not any(map(psutil.pid_exists, pids)))


def test_a_killed_warm_process_ends_its_fork_and_is_started_again(small, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    fork = small.fork("tests.mlapi.training.small_child", ["hang", str(work)], work / "o", 1)
    killer = threading.Timer(0.0, lambda: (wait_for_pids(tmp_path / "pids.json"), small.kill()))
    killer.start()
    assert fork.wait(PATIENCE_S) == -9
    killer.join()
    assert all_end(json.loads((tmp_path / "pids.json").read_text()))
    assert warm_process.running() is None  # this once the program is spawned
    assert warm_process.running().pid != small.pid


@pytest.mark.nightly
def test_trainings_are_forked_under_load_without_a_hang(warm, make_job):
    ended = threading.Event()
    load = [threading.Thread(target=_compute, args=(ended,)) for _ in range(4)]
    for thread in load:
        thread.start()
    try:
        made = {train(make_job(tasks(*some_texts(60)), [target()], number=7)) for _ in range(200)}
    finally:
        ended.set()
        for thread in load:
            thread.join()
    assert len(made) == 1


def _compute(ended: threading.Event) -> None:
    """Keeps a core busy, outside of the interpreter's lock."""
    while not ended.is_set():
        subprocess.run(["sha256sum", "/usr/bin/python3"], stdout=subprocess.DEVNULL, check=False)
