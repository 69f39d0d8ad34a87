"""A program in its own process: its limits, its end, and what it may know."""

import json
import os
from types import SimpleNamespace

import pytest

from mlapi.child_process import supervise, warm_process
from mlapi.child_process.supervise import Limits
from tests.mlapi.training.projects import small_programs
from tests.mlapi.training.runs import is_running
from tests.waiting import eventually

GENEROUS_LIMITS = Limits(seconds=600, memory_mb=4096)


@pytest.fixture(params=["spawned", "forked"], autouse=True)
def start_method(request, tmp_path):
    """Each program of a test, in either way."""
    if request.param == "forked":
        supervise.start_warm_process("tests.mlapi.child_process.small_warm_process")
    yield request.param
    warm_process.stop()


def run(what, folder, limits=GENEROUS_LIMITS, checkpoint=lambda: None):
    lines = []
    supervise.supervise(
        small_programs(what).train(folder),
        folder,
        limits,
        may_fork=True,
        on_progress=lines.extend,
        checkpoint=checkpoint,
    )
    return lines


@pytest.fixture
def folder(tmp_path):
    work = tmp_path / "run-1"
    work.mkdir()
    return work


def all_end(pids):
    """Whether all of them end within a while; zombies count as ended."""
    return eventually(lambda: not any(map(is_running, pids)))


def test_a_kill_is_reported_with_its_signal(folder):
    with pytest.raises(supervise.ChildCrashed, match="signal 9 \\(SIGKILL\\)"):
        run("kill_itself", folder)


def test_an_end_without_a_reason_keeps_the_last_output(folder):
    with pytest.raises(supervise.ChildCrashed, match="status 3"):
        run("break_off", folder)
    assert "something went wrong here" in supervise.output_tail(folder)


def test_the_program_s_own_reason_is_passed_on(folder):
    with pytest.raises(supervise.ChildFailed) as caught:
        run("refuse", folder)
    error = caught.value
    assert (error.code, error.message, error.hint) == (
        "one_class",
        "Only one class.",
        "Label another.",
    )


def test_the_time_limit_ends_the_whole_process_group(folder, monkeypatch):
    pids = folder.parent / "pids.json"

    def monotonic() -> float:
        """Over the limit as soon as the program hangs, however long it takes to start."""
        return GENEROUS_LIMITS.seconds + 1.0 if pids.exists() else 0.0

    monkeypatch.setattr(supervise, "time", SimpleNamespace(monotonic=monotonic))
    with pytest.raises(supervise.TimeLimit):
        run("hang", folder)
    assert all_end(json.loads(pids.read_text()))


def test_the_memory_limit_counts_the_program_s_children(folder):
    with pytest.raises(supervise.MemoryLimit):
        run("exhaust_memory", folder, Limits(seconds=600, memory_mb=200))


def test_a_checkpoint_that_raises_ends_a_deaf_program(folder):
    class Stop(Exception):
        pass

    def checkpoint():
        if (folder.parent / "pids.json").exists():
            raise Stop

    with pytest.raises(Stop):
        run("hang", folder, checkpoint=checkpoint)
    assert all_end(json.loads((folder.parent / "pids.json").read_text()))


def test_no_secret_is_in_the_program_s_environment(folder, monkeypatch):
    for name in ("SECRET_KEY", "DATABASE_URL", "LABEL_STUDIO_API_KEY", "BASIC_AUTH_PASS"):
        monkeypatch.setenv(name, "secret")
    known = supervise.child_environment()
    assert "secret" not in known.values()
    assert int(known["OMP_NUM_THREADS"]) >= 1


@pytest.mark.parametrize(("workers", "cores"), [(1, "4"), (2, "2"), (8, "1")])
def test_trainings_that_may_run_at_once_share_the_cores(monkeypatch, settings, workers, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    settings.TRAIN_WORKERS = workers
    assert supervise.child_environment()["TRAINING_CORES"] == cores


def test_descriptors_of_the_parent_stay_with_it(folder):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        program = small_programs("hang").train(folder)
        with supervise._process(program, folder, may_fork=True) as process:
            assert eventually((folder.parent / "pids.json").exists)
            process.poll()  # by now it has been forked
            assert str(write) not in os.listdir(f"/proc/{process.pid}/fd")
    finally:
        os.close(read)
        os.close(write)
