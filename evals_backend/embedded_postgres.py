"""Runs the PostgreSQL that ships as a wheel, for machines that have no DATABASE_URL.

Only the wheel's programs are used, not its Python package. The package counts the server's users
in a list of process ids, from which a killed process is never removed; a shared file lock counts
them here, and the kernel releases it however a process ends. The package also opens the socket to
every local user, and waits only ten seconds for a server that recovers.
"""

import atexit
import fcntl
import hashlib
import multiprocessing
import os
import pwd
import re
import shlex
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import structlog

from evals_backend import postgres_wheel
from evals_backend.postgres_wheel import PostgresFailed

logger = structlog.get_logger(__name__)

START_TIMEOUT_S = 120  # a server that was killed recovers first
_START_TRIES = 5
_PID_FILE_WITHIN_S = 10
_SUPERUSER = "postgres"
_SAFE_SOCKET_DIR = re.compile(r"[\w./-]{1,90}")  # a socket's whole path has at most 107 bytes
_held: dict[Path, int] = {}


def url(data_dir: Path) -> str:
    """Start the server under `data_dir` if it does not run, and return its URL.

    The last process that uses the server stops it at its exit, so a `manage.py` command beside
    a running server does not stop it. Raises PostgresFailed.
    """
    data_dir = data_dir.resolve()
    pgdata = data_dir / "postgres"
    data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(data_dir):
        _hold(data_dir)
        user = postgres_wheel.server_user(pgdata)
        if not (pgdata / "PG_VERSION").exists():
            _initialise(pgdata, user)
        socket_dir = _running(pgdata) or _start(pgdata, user)
        _wait_until_ready(pgdata, socket_dir)
    return f"postgresql://{_SUPERUSER}@/{_SUPERUSER}?host={quote(str(socket_dir), safe='/')}"


def revive() -> None:
    """Start the servers that this process uses and that have ended: killed, or out of memory.

    Does not wait for their recovery, which can take minutes, because the supervisor handles no
    signal meanwhile. One that ends again is started by the next call. What PostgreSQL wrote last
    is logged.
    """
    for data_dir in list(_held):
        pgdata = data_dir / "postgres"
        if _process(pgdata):
            continue
        logger.error("postgres_ended", data_dir=str(data_dir), last_lines=_last_lines(pgdata))
        try:
            with _alone(data_dir, fcntl.LOCK_EX | fcntl.LOCK_NB):
                if not _process(pgdata):
                    _start_without_waiting(pgdata, postgres_wheel.server_user(pgdata))
        except _HeldByAnother:
            pass  # another process starts it
        except (PostgresFailed, OSError):
            logger.exception("postgres_does_not_start")


class _HeldByAnother(Exception):
    """Another process starts or stops the server."""


@contextmanager
def _alone(data_dir: Path, lock: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Exclusive lock: one process at a time starts or stops the server of `data_dir`.

    Raises _HeldByAnother with LOCK_NB.
    """
    fd = os.open(data_dir / ".postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, lock)
        except BlockingIOError as error:
            raise _HeldByAnother from error
        yield
    finally:
        os.close(fd)


def _hold(data_dir: Path) -> None:
    """Count this process (and its forks) among the users of the server."""
    if data_dir in _held:
        return
    fd = os.open(data_dir / ".postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    _held[data_dir] = fd
    atexit.register(_leave, data_dir, os.getpid())


def _leave(data_dir: Path, pid: int) -> None:
    """Stop the server if this process is its last user."""
    if os.getpid() != pid or not data_dir.exists():
        return
    # A django-q cluster's main process ends before its workers do, and they share its lock.
    for child in multiprocessing.active_children():
        if not child.daemon:
            child.join()
    fd = _held.pop(data_dir)
    with _alone(data_dir):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(fd)
        _stop(data_dir / "postgres")


def _stop(pgdata: Path) -> None:
    process = _process(pgdata)
    if process is None:
        return
    user = postgres_wheel.SYSTEM_USER if os.geteuid() == 0 else None
    postgres_wheel.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", pgdata, user=user)
    # pg_ctl waits for the pid file to go, which is not yet the end.
    with suppress(psutil.TimeoutExpired):
        process.wait(timeout=10)


def _initialise(pgdata: Path, user: str | None) -> None:
    args = ("--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", _SUPERUSER)
    postgres_wheel.run("initdb", *args, "-D", pgdata, user=user)


def _start(pgdata: Path, user: str | None) -> Path:
    """Start the server and return its socket folder. Raises PostgresFailed."""
    socket_dir = _emptied_socket_dir(pgdata, user)
    for tries_left in reversed(range(_START_TRIES)):
        try:
            _pg_ctl_start(pgdata, socket_dir, user, "-w", "-t", START_TIMEOUT_S)
            break
        except PostgresFailed as error:
            if not tries_left:
                raise PostgresFailed("\n".join([str(error), *_last_lines(pgdata)])) from error
            time.sleep(1)  # processes of a killed server take a moment to notice that, and to end
    return socket_dir


def _start_without_waiting(pgdata: Path, user: str | None) -> None:
    """Start the server, which then recovers by itself. Raises PostgresFailed."""
    _pg_ctl_start(pgdata, _emptied_socket_dir(pgdata, user), user, "-W")
    give_up = time.monotonic() + _PID_FILE_WITHIN_S
    while not _process(pgdata):  # without its pid file nothing could stop it
        if time.monotonic() > give_up:
            missing = f"The server has not written its pid file within {_PID_FILE_WITHIN_S} s."
            raise PostgresFailed("\n".join([missing, *_last_lines(pgdata)]))
        time.sleep(0.02)


def _pg_ctl_start(pgdata: Path, socket_dir: Path, user: str | None, *waiting: object) -> None:
    """Run `pg_ctl start`, with how it waits. Raises PostgresFailed."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",  # the server trusts every connection
    }
    options = shlex.join(f"--{name}={value}" for name, value in settings.items())
    place = ("-D", pgdata, "-l", _log(pgdata))
    postgres_wheel.run("pg_ctl", "start", *waiting, *place, "-o", options, user=user)


def _emptied_socket_dir(pgdata: Path, user: str | None) -> Path:
    """The socket's folder; the pid file and sockets of a server that has ended are removed."""
    (pgdata / "postmaster.pid").unlink(missing_ok=True)
    socket_dir = _socket_dir(pgdata, user)
    for stale in socket_dir.glob(".s.PGSQL.*"):  # in a copy of a folder in use they name its server
        stale.unlink(missing_ok=True)
    return socket_dir


def _log(pgdata: Path) -> Path:
    return pgdata / "log"


def _last_lines(pgdata: Path) -> list[str]:
    """The last lines of the server's log, which is never shortened."""
    with suppress(FileNotFoundError), _log(pgdata).open(errors="replace") as log:
        return [line.rstrip("\n") for line in deque(log, maxlen=15)]
    return []


def _process(pgdata: Path) -> psutil.Process | None:
    """The process of the server that runs on `pgdata`, or None.

    After a crash the pid file may name an unrelated process: in a container the same few ids
    are used again at every start.
    """
    try:
        process = psutil.Process(int(_pid_file(pgdata)[0]))
        ours = process.name() == "postgres" and Path(process.cwd()) == pgdata
    except (ValueError, IndexError, psutil.Error):
        return None
    return process if ours else None


def _running(pgdata: Path) -> Path | None:
    """The socket folder of the server that runs on `pgdata`, or None."""
    while _process(pgdata):
        lines = _pid_file(pgdata)
        if len(lines) > 4 and lines[4]:
            return Path(lines[4])
        time.sleep(0.1)  # the process that started it was killed at once
    return None


def _pid_file(pgdata: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return (pgdata / "postmaster.pid").read_text().splitlines()
    return []


def _wait_until_ready(pgdata: Path, socket_dir: Path) -> None:
    """Wait until the server accepts connections: one that another process started may recover."""
    give_up = time.monotonic() + START_TIMEOUT_S
    program = postgres_wheel.programs() / "pg_isready"
    command = [str(program), "-q", "-t", "5", "-h", str(socket_dir)]
    while subprocess.run(command, check=False).returncode:  # noqa: S603
        if time.monotonic() > give_up or not _running(pgdata):
            raise PostgresFailed(f"The server under {pgdata} does not answer; see {_log(pgdata)}")
        time.sleep(0.1)


def _socket_dir(pgdata: Path, user: str | None) -> Path:
    """`pgdata`, or a private folder with a short name if the path is too long for a socket."""
    if _SAFE_SOCKET_DIR.fullmatch(str(pgdata)):
        return pgdata
    name = hashlib.sha256(str(pgdata).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"evals-postgres-{name}"
    owner = pwd.getpwnam(user).pw_uid if user else os.getuid()
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid not in (owner, os.getuid()) or folder.is_symlink():
        raise PostgresFailed(f"{folder} belongs to someone else; remove it or set DATABASE_URL")
    os.chown(folder, owner, -1)
    folder.chmod(0o700)
    return folder
