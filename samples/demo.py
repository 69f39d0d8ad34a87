"""`python -m samples.demo`: the server with two sample projects, in a folder of their own.

Removed with that folder (`make demo-clean`); what is in `var` is not touched.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx

from samples import running
from samples.notes import CONFIG as NOTES
from samples.notes import notes
from samples.project import Labelled, SampleProject, TrainingFailed
from samples.shapes import CONFIG as SHAPES
from samples.shapes import shapes

ROOT = Path(__file__).resolve().parents[1]
Tasks = Callable[[int, int], Iterable[Labelled]]  # of a number and a seed
_MADE = "samples-made"  # the file that exists once all samples do
_START_S = 600
_TEXTS, _IMAGES = (60, 120, 240), (60, 80, 120)  # labels that each version is trained on, added up
_UNLABELLED = 40


def main() -> int:
    """Serve until Ctrl-C; the server's exit status."""
    folder = Path(os.environ.get("DATA_DIR") or ROOT / ".demo").resolve()
    environment = {**os.environ, "DATA_DIR": str(folder)}
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Starting the server. Its log is {folder / 'demo.log'}. Ctrl-C stops all.", flush=True)
    command = [sys.executable, "-m", "evals_backend.serve"]
    with open(folder / "demo.log", "ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own; what it prints is for Label Studio
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log
        )
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        if _is_up(server, environment):
            _print_steps(folder)
            if not (folder / _MADE).exists():
                make(environment)
                (folder / _MADE).touch()
                print("The samples are made. Reload the admin.", flush=True)
        status = server.wait()
        if status:
            print(f"The server has ended with status {status}: see {folder / 'demo.log'}.")
        return status
    except KeyboardInterrupt:  # which the server has got too
        return server.wait()
    except (httpx.HTTPError, TrainingFailed, subprocess.CalledProcessError) as error:
        print(f"The samples could not be made ({error}). Try again after `make demo-clean`.")
        server.terminate()
        server.wait()
        return 1


def _print_steps(folder: Path) -> None:
    login = folder / "first-login.txt"
    print(f"1. Open {running.url(folder)}/admin/ and log in: user and password are in {login}")
    print("2. Look at the two projects. They have no Label Studio, so they read 'not reached'")
    print("3. For a real Label Studio beside them run `make label-studio` in another terminal")
    sys.stdout.flush()


def _is_up(server: subprocess.Popen, environment: dict[str, str]) -> bool:
    """Whether the server has started; waits for it."""
    url = f"http://127.0.0.1:{environment.get('PORT', '9090')}/ready"
    deadline = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    return False


def make(environment: dict[str, str]) -> None:
    """Both projects: three versions each, predictions of new labels, and a roll-back."""
    pasted = _manage(environment, "access_key", "new", "samples")
    token = _manage(environment, "drf_create_token", "admin")
    url = re.search(r"(http\S+)/k/\w+", pasted)
    words = re.findall(r"\b[0-9a-f]{40}\b", token)
    if url is None or not words:
        raise TrainingFailed("no access key or token was made")
    print(
        "Making the projects, of texts and of images: six trainings, some minutes in all. "
        "Each is in the admin from its first version on.",
        flush=True,
    )
    with httpx.Client(
        base_url=f"{url[1]}/api/", headers={"Authorization": f"Token {words[0]}"}, timeout=60
    ) as rest:
        texts = SampleProject(url[0], 1, "Sample: notes by topic", NOTES, "topic", "text")
        images = SampleProject(url[0], 2, "Sample: drawn shapes", SHAPES, "shape", "image")
        _make(rest, texts, notes, _TEXTS)
        _make(rest, images, shapes, _IMAGES)


def _make(
    rest: httpx.Client,
    project: SampleProject,
    tasks: Tasks,
    sizes: Sequence[int],
) -> None:
    """Trains on that many labels in turn; whatever comes of it serves, until it is rolled back."""
    project.connect()
    (row,) = rest.get("projects/", params={"uid": project.uid}).raise_for_status().json()["results"]
    route = f"projects/{row['id']}/"
    usual = {"policy": row["policy"], "promotion_rule": row["promotion_rule"]}
    _change(rest, route, {"policy": {"enabled": False}, "promotion_rule": "always"})
    new_labels = (0, 28, 8)  # after each version; the last are too few for another training
    for number, size in enumerate(sizes):
        project.learn_from(tasks(size, 10 * number))
        print(f"{project.title}: version {number + 1} of {len(sizes)}.", flush=True)
        if n := new_labels[number]:
            project.label(tasks(n, 10 * number + 1))
    project.add(data for data, _ in tasks(_UNLABELLED, 99))
    reason = "A sample of a roll-back: the version before is to serve again."
    rest.post(f"{route}roll-back/", json={"reason": reason}).raise_for_status()
    _change(rest, route, usual)


def _change(rest: httpx.Client, route: str, settings: dict[str, Any]) -> None:
    rest.patch(route, json={**settings, "reason": "A sample."}).raise_for_status()


def _manage(environment: dict[str, str], *arguments: str) -> str:
    """What a command of manage.py prints. Raises CalledProcessError."""
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, "manage.py", *arguments],
        env=environment,
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
