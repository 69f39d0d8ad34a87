"""`make demo` as a user starts it: a server with both samples, found again, and stopped whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.evals_backend.running import (
    ROOT,
    STOPPED_WITHIN_S,
    environment,
    free_port,
    processes_of,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.nightly, pytest.mark.long]


def start(folder: Path, port: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "samples.demo"],
        cwd=ROOT,
        env=environment(folder, PORT=str(port)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines_until(process: subprocess.Popen, text: str) -> list[str]:
    """The lines that it prints, up to one with that text."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError("".join(lines))


def stop(process: subprocess.Popen) -> int:
    """Send what Ctrl-C sends to all processes of the terminal; the exit status."""
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=STOPPED_WITHIN_S)
    return process.returncode


def test_the_demo_has_both_samples_and_a_second_start_finds_them(tmp_path):
    folder, port = tmp_path / "demo", free_port()
    demo = start(folder, port)
    try:
        printed = lines_until(demo, "The samples are made")
        assert [line[:2] for line in printed if line[:1] in "123"] == ["1.", "2.", "3."]
        assert f"http://127.0.0.1:{port}/admin/" in "".join(printed)
        assert_samples_are_there(folder, port)
    finally:
        status = stop(demo)
    assert status == 0
    assert eventually(lambda: processes_of(folder) == [])

    demo = start(folder, port)
    try:
        lines_until(demo, "3. ")
        assert_samples_are_there(folder, port)
    finally:
        status = stop(demo)
    assert status == 0


def assert_samples_are_there(folder: Path, port: int) -> None:
    made = subprocess.run(
        [sys.executable, "manage.py", "drf_create_token", "admin", "--reset"],
        cwd=ROOT,
        env=environment(folder, PORT=str(port)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    headers = {"Authorization": f"Token {made.split()[2]}"}
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}/api/", headers=headers, timeout=60
    ) as rest:

        def rows(route: str, **query: object) -> list[dict]:
            return rest.get(route, params=query).raise_for_status().json()["results"]

        projects = rows("projects/", ordering="id")
        assert [p["title"][:8] for p in projects] == ["Sample: ", "Sample: "]
        for project in projects:
            versions = rows("versions/", project=project["id"], ordering="number")
            assert [version["number"] for version in versions] == [1, 2, 3]
            assert project["champion"]["label"] == versions[1]["label"]
            assert len(rows("audit-entries/", project=project["id"], verb="roll_back")) == 1
            assert project["policy"]["enabled"] is True
        # Only texts: of new images nothing is predicted before their features are stored.
        (second,) = rows("versions/", project=projects[0]["id"], number=2)
        assert len(rows("outcomes/", version=second["id"], source="prequential")) == 28
