"""The supervisor behind `make run`: started for real, hurt, stopped and started again."""

import signal
import socket
import stat
import subprocess
import sys
from contextlib import closing

import psutil
import pytest
from django.conf import settings

from tests import data_folder
from tests.ports import free_port
from tests.postgres import connect, postmaster
from tests.waiting import eventually

from .running import ROOT, Server, environment, key_of, processes_of


@pytest.fixture(scope="module")
def server(new_data_dir):
    """A running server, `lines` what it printed."""
    running = Server(new_data_dir(), free_port())
    try:
        running.lines = running.three_lines()
        yield running
    finally:
        running.stop(signal.SIGTERM)


def test_the_three_numbered_lines_say_what_to_paste_where_the_admin_is_and_what_to_press(server):
    paste, admin, press = server.lines
    key = key_of(paste)
    assert f"http://127.0.0.1:{server.port}/k/{key}" in paste
    assert f"http://host.docker.internal:{server.port}/k/{key}" in paste
    assert "HOST=0.0.0.0" in paste  # a Label Studio in Docker cannot reach 127.0.0.1
    assert f"http://127.0.0.1:{server.port}/admin/" in admin
    assert "Press Retrieve Predictions in Label Studio's Data Manager" in press
    assert [line.partition(". ")[0] for line in server.lines] == ["1", "2", "3"]


def test_the_first_login_is_readable_by_its_owner_only_and_opens_the_admin(server):
    file = server.data_dir / "first-login.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert key_of(server.lines[0]) in text
    password = text.rsplit("Password: ", 1)[1].strip()
    code = (
        "import django; django.setup();"
        "from django.contrib.auth import authenticate;"
        f"user = authenticate(username='admin', password={password!r});"
        "assert user and user.is_superuser"
    )
    env = environment(server.data_dir, DJANGO_SETTINGS_MODULE="evals_backend.settings")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)


def test_the_pasted_url_answers_and_a_wrong_key_does_not(server):
    key = key_of(server.lines[0])
    assert server.get(f"/k/{key}/versions").status == 200
    assert server.get(f"/k/{'a' * 32}/versions").status == 401
    assert server.get("/versions").status == 401


def test_no_key_is_ever_logged(server):
    key = key_of(server.lines[0])
    server.get(f"/k/{key}/versions")
    server.get(f"/base/k/{key}/nothing")
    server.get(f"/k/{key}/admin/")
    log = server.log.read_text()  # a request's line is written before its answer
    for request in ("GET /versions", "GET /base/k/***/nothing", "GET /admin/"):
        assert request in log
    assert key not in log


def test_another_host_name_is_refused_with_the_setting_that_allows_it(server):
    response = server.get("/health", Host="elsewhere.example.com")
    assert response.status == 400
    assert "ALLOWED_HOSTS" in response.reason
    assert "host_not_allowed" in response.text


def test_static_files_of_the_admin_are_served(server):
    assert server.get("/static/admin/css/base.css").status == 200


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("evals-web", settings.WEB_WORKERS),
        ("evals-events1", 1),
    ],
)
def test_a_process_that_is_killed_comes_back_and_leaves_no_orphans(server, name, count):
    assert eventually(lambda: len(server.children(name)) == count)
    victim = server.children(name)[0]
    family = [victim, *victim.children(recursive=True)]
    victim.kill()
    assert eventually(
        lambda: len([c for c in server.children(name) if c.pid != victim.pid]) == count
    )
    assert eventually(server.answers)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_another_worker_takes_what_waits_while_the_first_one_works(server):
    code = (
        "import django; django.setup();"
        "from django.utils import timezone;"
        "from django_q.models import OrmQ, Success;"
        "from django_q.tasks import async_task;"
        "from tests.waiting import eventually;"
        "async_task('time.sleep', 600, cluster='events');"
        "taken = lambda: OrmQ.objects.filter(key='events', lock__gt=timezone.now());"
        "assert eventually(lambda: 'time.sleep' in [job.func() for job in taken()]);"
        "waiting = async_task('time.sleep', 0, cluster='events');"
        "assert eventually(lambda: Success.objects.filter(id=waiting).exists());"
    )
    env = environment(server.data_dir, DJANGO_SETTINGS_MODULE="evals_backend.settings")
    try:
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
        assert server.children("evals-events2")
    finally:
        for busy in server.children("evals-events"):
            busy.kill()
    assert eventually(lambda: server.children("evals-events1"))


def test_a_worker_of_trainings_runs_while_there_are_jobs_and_another_takes_its_place(server):
    code = (
        "import django; django.setup();"
        "from django_q.models import OrmQ, Success;"
        "from django_q.tasks import async_task;"
        "from django.utils import timezone;"
        "from tests.waiting import eventually;"
        "job = async_task('time.sleep', {seconds}, cluster='training');"
        "taken = lambda: OrmQ.objects.filter(key='training', lock__gt=timezone.now()).exists();"
        "ended = lambda: Success.objects.filter(id=job).exists();"
        "assert eventually(taken if {seconds} else ended)"
    )
    env = environment(server.data_dir, DJANGO_SETTINGS_MODULE="evals_backend.settings")

    def enqueue(seconds: int) -> None:
        program = [sys.executable, "-c", code.format(seconds=seconds)]
        subprocess.run(program, cwd=ROOT, env=env, check=True)

    assert server.children("evals-training") == []
    assert server.get(f"/k/{key_of(server.lines[0])}/ready").status == 200
    enqueue(600)
    (victim,) = server.children("evals-training")
    family = [victim, *victim.children(recursive=True)]
    victim.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    enqueue(0)


def test_the_warm_parent_has_one_thread_no_socket_but_the_listener_and_no_database(server):
    parent = psutil.Process(server.process.pid)
    assert parent.num_threads() == 1  # a parallel region or a pool would have left more
    sockets = parent.net_connections(kind="all")
    # And the pair by which its forks call the encoder process, at no address.
    pair = [one for one in sockets if one.family == socket.AF_UNIX]
    assert len(pair) == 2 and not any(one.laddr or one.raddr for one in pair)
    (listener,) = [one for one in sockets if one not in pair]
    assert (listener.laddr.port, listener.status) == (server.port, psutil.CONN_LISTEN)


def test_all_processes_share_the_memory_of_one_and_are_at_most_eight(server):
    parent = psutil.Process(server.process.pid)

    def are_few_and_share() -> bool:
        try:
            children = [p for p in parent.children(recursive=True) if p.name() != "postgres"]
            memory = [process.memory_full_info() for process in (parent, *children)]
        except psutil.NoSuchProcess:  # one that runs only while jobs wait has just ended
            return False
        # One more where a text has to be encoded: eight with the defaults of two cores.
        few = len(memory) <= 4 + settings.WEB_WORKERS + settings.TRAIN_WORKERS
        return few and sum(m.pss for m in memory) < 2 * max(m.rss for m in memory)

    assert eventually(are_few_and_share)
    assert server.children("evals-encoder") == []


def test_a_database_that_is_killed_comes_back_under_the_same_server(server):
    database = postmaster(server.data_dir)
    versions = f"/k/{key_of(server.lines[0])}/versions"
    server.process.send_signal(signal.SIGSTOP)  # or it might be back before it is missed
    try:
        database.kill()
        assert eventually(lambda: server.get(versions).status == 503)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert eventually(lambda: server.get(versions).status == 200)


def test_a_data_dir_that_cannot_be_written_is_reported_on_one_line(new_data_dir):
    file = new_data_dir() / "a file"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    started = subprocess.run(
        [sys.executable, "-m", "evals_backend.serve"],
        cwd=ROOT,
        env=environment(file / "data", PORT=str(free_port())),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert started.returncode == 1
    assert started.stderr.startswith("evals-backend: cannot use ")
    assert "DATA_DIR" in started.stderr
    assert len(started.stderr.splitlines()) == 1


def test_the_database_of_a_server_waits_for_its_disk(server):
    """The tests' own does not: that is for the tests alone, and would lose what was answered."""
    with closing(connect(server.data_dir)) as connection, connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == ("on",), name


def test_a_second_server_on_the_port_says_so_and_leaves_the_first_alone(server):
    second = subprocess.run(
        [sys.executable, "-m", "evals_backend.serve"],
        cwd=ROOT,
        env=environment(server.data_dir, PORT=str(server.port)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert f"cannot listen on 127.0.0.1:{server.port}" in second.stderr
    assert "PORT" in second.stderr
    assert server.get(f"/k/{key_of(server.lines[0])}/versions").status == 200


def test_a_command_leaves_the_database_of_a_running_server_running(server):
    listed = subprocess.run(
        [sys.executable, "manage.py", "access_key", "list"],
        cwd=ROOT,
        env=environment(server.data_dir),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "first login" in listed.stdout
    assert server.get(f"/k/{key_of(server.lines[0])}/versions").status == 200


def test_a_command_finds_the_server_on_whatever_port_it_was_started(server):
    for words, expected in (
        (["access_key", "new", "another"], f"http://127.0.0.1:{server.port}/k/"),
        (["health", "web"], ""),
    ):
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment(server.data_dir),
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert expected in done.stdout


def test_it_stops_whole_by_either_signal_and_finds_its_data_again(new_data_dir):
    data_dir = data_folder.prepare(new_data_dir())
    first = Server(data_dir, free_port())
    key = key_of(first.three_lines()[0])
    assert first.stop(signal.SIGINT) == 0
    assert first.process.stdout.read() == ""  # three lines, and no more
    assert eventually(lambda: processes_of(data_dir) == [])

    second = Server(data_dir, free_port())
    try:
        paste, admin, _ = second.three_lines()
        assert key not in paste  # only its digest is stored
        assert str(data_dir / "first-login.txt") in paste
        assert second.get(f"/k/{key}/versions").status == 200
    finally:
        status = second.stop(signal.SIGTERM)
    assert status == 0
    assert eventually(lambda: processes_of(data_dir) == [])


def test_a_supervisor_that_is_killed_takes_its_processes_along(new_data_dir):
    data_dir = data_folder.prepare(new_data_dir())
    server = Server(data_dir, free_port())
    server.three_lines()
    server.process.kill()
    server.process.wait()

    def only_postgres_is_left() -> bool:
        return all("postgres" in p.name() for p in processes_of(data_dir))

    assert eventually(only_postgres_is_left)
    # The next one finds the database running, and stops it at its own end.
    following = Server(data_dir, free_port())
    following.three_lines()
    following.stop(signal.SIGTERM)
    assert eventually(lambda: processes_of(data_dir) == [])
