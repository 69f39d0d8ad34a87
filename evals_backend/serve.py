"""Starts the server: all of it in one terminal, or one of its parts in a container.

`python -m evals_backend.serve` runs web and workers, which is what `make run` does;
`python -m evals_backend.serve web` (or `events`, `training`) runs that one part.
"""

import argparse
import gc
import http.client
import os
import shutil
import socket
import sys
from functools import partial

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from evals_backend import warm_parent
from evals_backend.stop_signals import StopSignals

CLUSTERS = ("events", "training")
_BACKLOG = 2_048  # connections that wait while a web process is started again


def main() -> int:
    """Parse the command line and serve; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals_backend.serve", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=("all", "web", *CLUSTERS))
    part = parser.parse_args().part
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
    warm_parent.limit_threads()
    gc.disable()  # until all is imported
    signals = StopSignals()  # before what takes time
    warm_parent.import_libraries()
    from evals_backend.postgres_wheel import PostgresFailed

    try:
        return _serve(part, signals)
    except (ImproperlyConfigured, PostgresFailed) as error:
        print(f"evals-backend: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if not error.filename:
            raise
        where = f"{error.filename} ({error.strerror})"
        print(
            f"evals-backend: cannot use {where}. Set DATA_DIR to a folder that can be written.",
            file=sys.stderr,
        )
        return 1


def _serve(part: str, signals: StopSignals) -> int:
    serves_web = part in {"all", "web"}
    listener = None
    if serves_web:
        try:
            listener = _bind()
        except OSError as error:
            print(f"evals-backend: {_port_problem(error)}", file=sys.stderr)
            return 1
        _share_counters()
    django.setup()
    from evals_backend import embedded_postgres
    from evals_backend.supervisor import StartFailed, Supervisor, fork, wait
    from registry import server

    if serves_web:
        server.record()
    with signals.interrupting():
        # Beside the imports, and in a process of its own: this one never has a connection.
        reader, writer = os.pipe()
        preparing = fork("prepare", partial(_prepare, writer), signals) if serves_web else None
        os.close(writer)
        warm_parent.import_code(web=serves_web, trains=part in {"all", "training"})
        if preparing is not None and wait(preparing):
            return 1
    with open(reader) as lines:
        key = lines.read() or None
    _share_arrays(part)
    try:
        supervisor = Supervisor(
            _children(part, listener),
            _answers if serves_web else lambda: True,
            signals,
            tend=embedded_postgres.revive,
        )
        supervisor.run(lambda: _print_next_steps(part, key))
    except StartFailed as error:
        print(f"evals-backend: {error}", file=sys.stderr)
        return 1
    return 0


def _children(part: str, listener: socket.socket | None) -> list:
    from evals_backend.supervisor import Child
    from mlapi.jobs import cluster
    from mlapi.jobs.on_demand import OnDemandCluster, Reserve
    from mlapi.texts import vectors
    from mlapi.texts.encoder_process import messages
    from mlapi.texts.encoder_process import process as encoder_process
    from mlapi.texts.encoder_process.client import EncoderClient

    calls, receiver = messages.calls()

    def encode(_restarts: int) -> None:
        if listener is not None:
            listener.close()
        encoder_process.run(receiver, settings.WEB_WORKERS)

    call_waits = partial(messages.call_waits, receiver)
    children = [Child("encoder", encode, is_wanted=call_waits, is_waited_for=call_waits)]
    if listener is not None:
        from evals_backend.web import front, process

        counts = front.shared_counts(settings.WEB_WORKERS)

        def web(number: int, restarts: int) -> None:
            vectors.make_by(EncoderClient(calls).vectors)
            process.run(listener, counts, number, is_restart=restarts > 0)

        children += [Child(f"web{n + 1}", partial(web, n)) for n in range(settings.WEB_WORKERS)]

    # Where events are applied beside them, trainings have no worker that runs always.
    workers = {"events": settings.EVENT_WORKERS, "training": max(1, settings.TRAIN_WORKERS)}
    always = {"events": 1, "training": 0 if part == "all" else workers["training"]}
    reserves = {name: Reserve() for name in CLUSTERS}

    def work(name: str, number: int, _restarts: int) -> None:
        if listener is not None:
            listener.close()
        vectors.make_by(EncoderClient(calls).vectors)
        leads_trainings = part == "all" and (name, number) == ("events", 0)
        cluster.run(
            name,
            leads=number == 0,
            reserve=reserves[name],
            is_of_reserve=number >= always[name],
            on_demand=(
                OnDemandCluster("training", reserves["training"]) if leads_trainings else None
            ),
        )

    for name in CLUSTERS if part == "all" else [n for n in CLUSTERS if n == part]:
        for number in range(max(1, workers[name])):
            child = Child(f"{name}{number + 1}", partial(work, name, number))
            if number >= always[name]:
                child.is_wanted = reserves[name].take
            children.append(child)
    return children


def _share_arrays(part: str) -> None:
    """Have all processes of this server hold one copy of a version's large arrays."""
    from mlapi.pipelines import shared_arrays

    shared_arrays.share(settings.DATA_DIR / "arrays" / part, settings.MODEL_CACHE_MB * 2**20)


def _share_counters() -> None:
    """Have the web processes count together, for Prometheus; before anything counts."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return
    folder = settings.DATA_DIR / "prometheus" / f"{socket.gethostname()}-{settings.PORT}"
    shutil.rmtree(folder, ignore_errors=True)  # of another start
    folder.mkdir(mode=0o700, parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _prepare(writer: int) -> None:
    """Bring the database and the static files up to date; write a first login's key to the pipe."""
    from evals_backend import first_login

    try:
        call_command("migrate", interactive=False, verbosity=0)
    except CommandError as error:
        print(f"evals-backend: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    call_command("collectstatic", interactive=False, verbosity=0)
    os.write(writer, (first_login.make() or "").encode())


def _bind() -> socket.socket:
    """The socket that listens at HOST:PORT. Raises OSError."""
    family, kind, _, _, address = socket.getaddrinfo(
        settings.HOST, settings.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)  # who connects from now on is answered when we are up
    except OSError:
        listener.close()
        raise
    return listener


def _port_problem(error: OSError) -> str:
    where = f"{settings.HOST}:{settings.PORT}"
    return f"cannot listen on {where} ({error.strerror}). Set PORT (or HOST) to another."


def _answers() -> bool:
    """Whether the web server answers its health check."""
    from evals_backend import health

    try:
        return health.web_answers()
    except (OSError, http.client.HTTPException):
        return False


def _print_next_steps(part: str, key: str | None) -> None:
    """Print how to go on; in a container stdout is a log, so not the key itself."""
    from evals_backend import first_login

    if part == "all":
        _print_three_lines(key)
    elif part == "web" and key:
        print(f"First login: {first_login.path()}", file=sys.stderr)


def _print_three_lines(key: str | None) -> None:
    from evals_backend import addresses, first_login

    (_, url), *others = addresses.to_paste(key or "<key>")
    paste = "; ".join([url, *(f"{where}: {other}" for where, other in others)])
    login = f"first login in {first_login.path()}"
    if not first_login.path().exists():
        login = "`manage.py access_key new NAME` makes a key"
    without_key = "" if key else f" ({login})"
    print(f"1. Paste into Label Studio, Settings > Model: {paste}{without_key}")
    print(f"2. Open the admin: {addresses.admin()} ({login})")
    print("3. Press Retrieve Predictions in Label Studio's Data Manager", flush=True)


if __name__ == "__main__":
    sys.exit(main())
