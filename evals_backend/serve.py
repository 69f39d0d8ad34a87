"""Starts the server: all of it in one terminal, or one of its processes in a container.

`python -m evals_backend.serve` runs web and workers, which is what `make run` does;
`python -m evals_backend.serve web` (or `events`, `training`) becomes that one process.
"""

import argparse
import http.client
import os
import socket
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections

CLUSTERS = ("events", "training")


def main() -> int:
    """Parse the command line and serve; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals_backend.serve", description=__doc__)
    parser.add_argument("process", nargs="?", default="all", choices=("all", "web", *CLUSTERS))
    process = parser.parse_args().process
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
    from evals_backend.postgres_wheel import PostgresFailed

    try:
        django.setup()
        return _serve_all() if process == "all" else _become(process)
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


def _web_command() -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", "python:evals_backend.gunicorn_config"]


def _cluster_command() -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]


def _become(process: str) -> int:
    """Replace this process by the named one; only web applies migrations."""
    if process == "web":
        from evals_backend import first_login

        _prepare()
        if first_login.make():
            # Not the key itself: in a container, stdout is a log.
            print(f"First login: {first_login.path()}", file=sys.stderr)
        command = _web_command()
    else:
        os.environ["Q_CLUSTER_NAME"] = process
        command = _cluster_command()
    connections.close_all()
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606


def _serve_all() -> int:
    from evals_backend import embedded_postgres, first_login
    from evals_backend.supervisor import Child, StartFailed, Supervisor

    if problem := _port_problem():
        print(f"evals-backend: {problem}", file=sys.stderr)
        return 1
    _prepare()
    key = first_login.make()
    connections.close_all()
    # With the URL the children do not start the embedded server, and we are its only user.
    env = {"DATABASE_URL": settings.DATABASE_URL}
    os.environ.pop("DATABASE_URL_FILE", None)
    children = [Child("web", _web_command(), env)] + [
        Child(name, _cluster_command(), {**env, "Q_CLUSTER_NAME": name}) for name in CLUSTERS
    ]
    try:
        supervisor = Supervisor(children, _answers, tend=embedded_postgres.revive)
        supervisor.run(lambda: _print_lines(key))
    except StartFailed as error:
        print(f"evals-backend: {error}", file=sys.stderr)
        return 1
    return 0


def _prepare() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _port_problem() -> str | None:
    """Why HOST:PORT cannot be listened on, or None."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        where = f"{settings.HOST}:{settings.PORT}"
        return f"cannot listen on {where} ({error.strerror}). Set PORT (or HOST) to another."
    return None


def _answers() -> bool:
    """Whether the web server answers its health check."""
    from evals_backend import health

    try:
        return health.web_answers()
    except (OSError, http.client.HTTPException):
        return False


def _print_lines(key: str | None) -> None:
    from evals_backend import addresses, first_login

    (_, url), *others = addresses.to_paste(key or "<key>")
    paste = "; ".join([url, *(f"{where}: {other}" for where, other in others)])
    login = f"first login in {first_login.path()}"
    if not first_login.path().exists():
        login = "`manage.py access_key new NAME` makes a key"
    print(f"Paste into Label Studio, Settings > Model: {paste}" + ("" if key else f" ({login})"))
    print(f"Admin: {addresses.admin()} ({login})")
    print("Then press Retrieve Predictions in the Data Manager", flush=True)


if __name__ == "__main__":
    sys.exit(main())
