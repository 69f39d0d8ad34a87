"""The PostgreSQL from the wheel: shared by processes, private to its owner, there after a crash."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg2
import pytest

from evals_backend import embedded_postgres
from tests import data_folder
from tests.postgres import frozen, postmaster

from .running import ROOT

HOLD = """
import sys
from pathlib import Path
from evals_backend import embedded_postgres
print(embedded_postgres.url(Path(sys.argv[1])), flush=True)
while sys.stdin.readline().strip() == "revive":
    embedded_postgres.revive()
    print("done", flush=True)
"""


class User:
    """A process that uses the server until `leave`."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data_dir)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()

    def revive(self) -> None:
        self.process.stdin.write("revive\n")
        self.process.stdin.flush()
        assert "done\n" in self.process.stdout  # which is read up to there

    def leave(self) -> None:
        self.process.communicate("\n", timeout=300)


def select_one(url: str):
    """The server's answer to SELECT 1."""
    connection = psycopg2.connect(url)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]
    finally:
        connection.close()


def is_up(url: str) -> bool:
    """Whether it answers: it does not while it recovers."""
    try:
        return select_one(url) == 1
    except psycopg2.OperationalError:
        return False


def wait_until_up(url: str) -> None:
    deadline = time.monotonic() + 120
    while not is_up(url):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def socket_dir(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


@pytest.fixture
def data_dir(new_data_dir):
    """A folder whose server is ended at the end, whatever the test did.

    A copy of one that is made once: `test_serve` covers making a new one.
    """
    folder = data_folder.prepare(new_data_dir())
    yield folder
    if (folder / "postgres" / "postmaster.pid").exists():
        User(folder).leave()


def test_the_server_ends_with_the_last_process_that_uses_it(data_dir):
    serving, command = User(data_dir), User(data_dir)
    assert command.url == serving.url
    command.leave()
    assert select_one(serving.url) == 1
    serving.leave()
    with pytest.raises(psycopg2.OperationalError):
        select_one(serving.url)


def test_a_user_that_was_killed_does_not_keep_the_server_running_forever(data_dir):
    killed, last = User(data_dir), User(data_dir)
    killed.process.kill()
    killed.process.wait()
    assert select_one(last.url) == 1
    last.leave()
    with pytest.raises(psycopg2.OperationalError):
        select_one(last.url)


def test_only_its_owner_may_connect(data_dir):
    user = User(data_dir)
    folder = socket_dir(user.url)
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) & 0o077 == 0
    user.leave()


def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere(new_data_dir):
    data_dir = new_data_dir(("long, 'with spaces' " * 8).strip())
    user = User(data_dir)
    assert select_one(user.url) == 1
    folder = socket_dir(user.url)
    assert not folder.is_relative_to(data_dir)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    user.leave()
    folder.rmdir()


def test_after_a_crash_it_recovers_with_what_was_committed(data_dir):
    first = User(data_dir)
    with psycopg2.connect(first.url) as connection:
        connection.cursor().execute("CREATE TABLE kept AS SELECT 1")
    connection.close()
    postmaster(data_dir).kill()
    first.process.kill()
    first.process.wait()
    second = User(data_dir)
    connection = psycopg2.connect(second.url)
    cursor = connection.cursor()
    cursor.execute("SELECT * FROM kept")
    assert cursor.fetchone() == (1,)
    connection.close()
    second.leave()


def test_a_server_that_was_killed_is_started_again_under_its_url(data_dir):
    user = User(data_dir)
    killed = postmaster(data_dir)
    user.revive()
    assert postmaster(data_dir) == killed
    kill(killed)
    user.revive()
    wait_until_up(user.url)
    user.leave()


def test_who_revives_a_server_waits_for_no_recovery_and_can_stop_it_meanwhile(data_dir):
    user = User(data_dir)
    recover_endlessly(data_dir / "postgres")
    kill(postmaster(data_dir))
    started_at = time.monotonic()
    user.revive()
    assert time.monotonic() - started_at < embedded_postgres.START_TIMEOUT_S
    recovering = postmaster(data_dir)
    try:
        with pytest.raises(psycopg2.OperationalError):
            select_one(user.url)
        user.revive()
        assert postmaster(data_dir) == recovering
        user.leave()
        assert not recovering.is_running()
    finally:
        if recovering.is_running():  # or the next one would wait for it
            recovering.kill()


def test_a_server_whose_processes_have_not_ended_yet_is_started_in_the_end(data_dir):
    """The supervisor calls it every few seconds."""
    user = User(data_dir)
    killed = postmaster(data_dir)
    killed.kill()
    deadline = time.monotonic() + 120
    while not is_up(user.url):
        assert time.monotonic() < deadline
        user.revive()
    assert postmaster(data_dir) != killed
    user.leave()


def kill(server: psutil.Process) -> None:
    """Kills it and waits until its processes have ended: until then no other one starts."""
    processes = [server, *server.children(recursive=True)]
    server.kill()
    assert not psutil.wait_procs(processes, timeout=60)[1]


def recover_endlessly(pgdata: Path) -> None:
    """Have the next start wait for an archive that never gives its file."""
    with (pgdata / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'sleep 3600'\n")
    (pgdata / "recovery.signal").touch()


def test_a_pid_file_that_names_another_process_is_not_believed(data_dir):
    User(data_dir).leave()
    stale = data_dir / "postgres" / "postmaster.pid"
    where = data_dir / "postgres"
    stale.write_text(f"{os.getpid()}\n{where}\n1700000000\n5432\n{where}\n\n  1 2\nready\n")
    user = User(data_dir)
    assert select_one(user.url) == 1
    user.leave()


@pytest.mark.parametrize("command", [["cp", "-a"], ["cp", "-r"]])
def test_a_copied_data_folder_starts_beside_its_original(data_dir, new_data_dir, command):
    """The copy may have the pid file and the socket's lock of a running server."""
    original = User(data_dir)
    with psycopg2.connect(original.url) as connection:
        connection.cursor().execute("CREATE TABLE kept AS SELECT 1; CHECKPOINT")
    connection.close()
    copied = new_data_dir()
    with frozen(data_dir):  # or a file may vanish as it is copied
        subprocess.run([*command, str(data_dir), str(copied)], check=True)
    copy = User(copied)
    assert copy.url != original.url
    with psycopg2.connect(copy.url) as connection:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO kept VALUES (2)")
        cursor.execute("SELECT count(*) FROM kept")
        assert cursor.fetchone() == (2,)
    connection.close()
    with psycopg2.connect(original.url) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM kept")
        assert cursor.fetchone() == (1,)
    connection.close()
    copy.leave()
    assert select_one(original.url) == 1
    original.leave()
