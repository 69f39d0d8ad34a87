"""The virtual environment of MLflow and public packages, and programs that run in it."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-export" / "bin" / "python"
needs_mlflow = pytest.mark.skipif(
    not (PYTHON.parents[1] / ".installed").exists(), reason="needs MLflow: make mlflow"
)


def environment(**more: str) -> dict[str, str]:
    """The environment without this repository's paths, and with MLflow's telemetry off."""
    inherited = {
        name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ
    }
    return {
        **inherited,
        "PATH": f"{PYTHON.parent}:/usr/bin:/bin",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "OMP_NUM_THREADS": "1",
        **more,
    }


def run(program: str, *arguments: str, cwd: Path) -> str:
    """The output of a program of a few lines in that environment."""
    done = subprocess.run(
        [str(PYTHON), "-I", "-c", program, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pip(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(PYTHON), "-m", "pip", *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
    )


@contextlib.contextmanager
def served(
    *arguments: str, cwd: Path, ready: str, seconds: float = 240, **settings: str
) -> Iterator[str]:
    """The URL of `mlflow ...` on a free port of this machine, once `ready` answers 200."""
    port = free_port()
    log = cwd / f"mlflow-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", str(port)],
            cwd=cwd,
            env=environment(**settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + seconds
        while not _answers(url + ready):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
