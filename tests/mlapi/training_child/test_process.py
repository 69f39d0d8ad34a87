"""The child as a process: its end, its errors, its modesty, and the check of what it left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlapi.run_folder.result import read_error
from registry.verified import sha256_of
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import target, tasks

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}])
print(child.pid, flush=True)
time.sleep(180)
"""
CHILD = """
import signal
from mlapi.child_process.processes import end_with_parent
import sys, time
end_with_parent(signal.SIGKILL)
print("ready", flush=True)
time.sleep(180)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's prctl")
def test_the_child_dies_with_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(child=CHILD)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    child = int(parent.stdout.readline())
    assert parent.stdout.readline() == "ready\n"

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not is_running(child)


def test_a_process_needs_no_database_and_what_it_leaves_is_verified(make_job):
    job = make_job(tasks(*some_texts(60)), [target()])

    done = job.start()
    sha256 = job.result["artifact_sha256"]
    verified = verify(job.folder, job.artifact, sha256)

    assert done.returncode == 0, done.stderr
    assert verified.returncode == 0, verified.stderr

    job.artifact.write_bytes(b"not a model")
    for recorded, why in (
        (sha256, "ArtifactCorrupt"),
        (sha256_of(job.artifact), "ArtifactInvalid"),
    ):
        done = verify(job.folder, job.artifact, recorded)
        error = read_error(job.folder)
        assert done.returncode == 1
        assert (error.code, why in error.message) == ("load_failed", True)


def test_an_error_is_left_for_the_parent(make_job):
    job = make_job(tasks(["a", "b"], ["sky", "sky"]), [target()])

    assert job.fail()["code"] == "one_class"


def test_an_unexpected_error_is_written_with_its_traceback(make_job):
    job = make_job([], [target()])
    (job.folder / "dataset.jsonl").write_text("[]\n")

    error = job.fail()

    assert error["code"] == "training_error"
    assert "TypeError" in error["message"]
    assert any("Traceback" in line.get("log", "") for line in job.progress)


def test_a_dataset_that_is_not_json_is_an_invalid_run_file(make_job):
    job = make_job([], [target()])
    (job.folder / "dataset.jsonl").write_text("not json\n")

    assert job.fail()["code"] == "run_file_invalid"


def verify(folder: Path, artifact: Path, sha256: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mlapi.training.load_check_child",
            str(folder),
            str(artifact),
            sha256,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
