"""`python -m samples.label_studio`: the tests' Label Studio with a sample project, connected.

It listens on the loopback only, with both switches that let it call a backend on this machine. Its
data stay in `.label-studio/sample`.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from samples import running
from samples.notes import CONFIG, notes
from tests.e2e.labelstudio_client import PASSWORD, USER
from tests.e2e.labelstudio_server import HOME, LabelStudioServer, template, why_not

TITLE = "Sample: notes in Label Studio"
_LABELLED, _UNLABELLED = 48, 40
_USUAL_PORT = 8080


class PortTaken(Exception):
    """Another program, or this one already, listens where Label Studio was first started."""


def main() -> int:
    """Serve until Ctrl-C; the exit status."""
    data_dir = running.folder()
    if data_dir is None:
        print(running.NOT_RUNNING, file=sys.stderr)
        return 1
    if reason := why_not():
        print(reason, file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    server = None
    try:
        server = started()
        if not server.api("GET", "/api/projects/")["results"]:
            make_project(server, key_url(data_dir))
        _print_steps(server, running.url(data_dir))
        signal.pause()
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if server is not None:
            server.stop()
    return 0


def started(home: Path = HOME) -> LabelStudioServer:
    """It, on the port of its first start: the backend knows it by its address.

    Raises PortTaken.
    """
    folder, port_file = home / "sample", home / "sample.port"
    if folder.exists() and not _is_free(port := int(port_file.read_text())):
        raise PortTaken(
            f"Port {port} is taken. Does `make label-studio` run already? Else end what listens "
            f"there, or remove {folder} to begin anew on another port."
        )
    print("Starting Label Studio: a minute at first, then seconds.", flush=True)
    if not folder.exists():
        shutil.copytree(template(), folder)
        port_file.write_text(str(_port()))
    return LabelStudioServer(folder, port=int(port_file.read_text())).start()


def make_project(server: LabelStudioServer, url: str) -> None:
    """A project with labelled and unlabelled tasks, and the backend at that URL connected."""
    project = server.project(TITLE, CONFIG)
    tasks = notes(_LABELLED + _UNLABELLED, 1)
    project.import_labelled(_pairs(islice(tasks, _LABELLED)), control="topic")
    project.import_texts(data["text"] for data, _ in tasks)
    project.connect(url, title="evals-backend", interactive=False)


def _pairs(tasks: Iterator[tuple[dict[str, str], str]]) -> Iterator[tuple[str, str]]:
    return ((data["text"], label) for data, label in tasks)


def key_url(data_dir: Path) -> str:
    """The URL of the server of that folder with a new access key."""
    printed = subprocess.run(
        [sys.executable, "manage.py", "access_key", "new", "make label-studio"],
        env={**os.environ, "DATA_DIR": str(data_dir)},
        cwd=running.ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout
    return re.findall(r"http\S+/k/\w+", printed)[0]


def _port() -> int:
    """Label Studio's usual port, or another one that is free."""
    for port in (_USUAL_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Label Studio's server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _print_steps(server: LabelStudioServer, backend: str) -> None:
    """What to press, in words that Label Studio shows."""
    print(f"1. Open {server.hostname} and log in as {USER}, password {PASSWORD}")
    print(f"2. Open the project {TITLE}. Within a minute its first version trains by itself;")
    print(f"   {backend}/admin/ shows it as soon as it serves")
    print("3. Select all tasks by the box in the table's head. The button Actions then reads")
    print(f"   {_LABELLED + _UNLABELLED} Tasks: press it, then Retrieve Predictions, then OK")
    print("4. Open one of the last tasks, which have no label: the prediction is chosen already.")
    print("   Correct it if need be and press Submit. Ctrl-C stops Label Studio", flush=True)


if __name__ == "__main__":
    sys.exit(main())
