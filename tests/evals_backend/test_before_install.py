"""The checks of `make run` before it installs: a free port, and the printed size."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

from .running import ROOT

SCRIPT = ROOT / "evals_backend" / "before_install.py"


def run(stamp: Path, **environment: str) -> subprocess.CompletedProcess:
    """Runs the script without any package, as nothing is installed yet."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(stamp)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
    )


def test_a_port_that_is_taken_is_an_error_before_anything_is_installed(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(tmp_path / "stamp", PORT=port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in done.stderr
    assert "Set PORT" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("port", ["x", "99999"])
def test_an_invalid_port_is_an_error(tmp_path, port):
    done = run(tmp_path / "stamp", PORT=port)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"127.0.0.1:{port}" in done.stderr


def test_the_size_of_the_installation_is_printed_until_it_is_installed(tmp_path):
    stamp, port = tmp_path / "stamp", str(free_port())
    assert "GB" in run(stamp, PORT=port).stdout
    stamp.touch()
    done = run(stamp, PORT=port)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_make_run_checks_the_port_before_it_installs():
    commands = subprocess.run(
        ["make", "--dry-run", "run"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lines = [line for line in commands.splitlines() if ".py" in line or "evals_backend" in line]
    assert "before_install.py" in lines[0]
