"""The threads of torch in a training's own process, spawned or forked, and how they wait."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as configured

from mlapi.child_process import supervise, warm_process
from mlapi.child_process.supervise import Limits, program

pytestmark = pytest.mark.vision
REPORT = program("tests.mlapi.pipelines.object_detection.torch_report")


@pytest.mark.parametrize("may_fork", [False, True], ids=["spawned", "forked"])
def test_boxes_are_learned_on_the_cores_divided_by_the_trainings_that_may_run_at_once(
    tmp_path, monkeypatch, settings, may_fork
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    settings.TRAIN_WORKERS = 2
    if may_fork:
        supervise.start_warm_process("mlapi.training.warm_process")
    try:
        supervise.supervise(REPORT, tmp_path, Limits(600, 8192), may_fork=may_fork)
    finally:
        warm_process.stop()

    output = supervise.output_tail(tmp_path)
    assert output.splitlines()[-1].split() == ["2", "1"]
    assert "GOMP_SPINCOUNT = '0'" in output, "its threads hold a core while they wait"


_WORKER = """
import sys
from pathlib import Path
import django
from evals_backend import warm_parent
django.setup()
warm_parent.import_code(web=False, trains=True)
from mlapi.child_process import supervise, warm_process
supervise.start_warm_process("mlapi.training.warm_process", fork=True)
report = supervise.program("tests.mlapi.pipelines.object_detection.torch_report")
supervise.supervise(report, Path(sys.argv[1]), supervise.Limits(600, 8192), may_fork=True)
warm_process.stop()
"""


def test_threads_that_wait_hold_no_core_in_a_fork_of_a_workers_own_memory_either(tmp_path):
    """OpenMP reads how threads wait when it is loaded, and the worker has loaded some of it."""
    unused = {"DATABASE_URL": "postgres:///unused", "SECRET_KEY": "unused"}
    environment = {**os.environ, **unused, "PYTHONPATH": str(configured.BASE_DIR)}
    subprocess.run([sys.executable, "-c", _WORKER, str(tmp_path)], env=environment, check=True)
    assert "GOMP_SPINCOUNT = '0'" in supervise.output_tail(tmp_path)
