"""A real Prometheus scrapes a server of ours, and answers every query of the dashboard."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User

from mlapi.monitoring import counters
from registry.actions import projects, tokens, versions
from tests import factories as make
from tests.deploy import queries
from tests.deploy.prometheus import Prometheus
from tests.evals_backend.conftest import new_data_dir
from tests.evals_backend.running import ROOT, Server, environment, key_of
from tests.ports import free_port
from tests.waiting import eventually

__all__ = ["new_data_dir"]
# What a new server without a project has no answer to.
_OF_PROJECTS = {
    "Metrics of the champions A",
    "Connection to Label Studio A",
    "Versions that do not load A",
    "Mean seconds of the runs that ended in an hour A",
    "Predicted tasks A",
}


@pytest.fixture
def scraping(tmp_path) -> Iterator:
    """Starts a Prometheus that scrapes this server with this token."""
    started: list[Prometheus] = []

    def start(target: str, token: str) -> Prometheus:
        folder = tmp_path / "prometheus"
        folder.mkdir()
        started.append(Prometheus(folder, target, token))
        return started[-1]

    yield start
    for prometheus in started:
        prometheus.stop()


@pytest.mark.django_db(transaction=True)
def test_every_query_of_the_dashboard_is_answered(live_server, scraping):
    version = make.ModelVersionFactory(champion=True)
    versions.mark_load_failed(make.ModelVersionFactory(project=version.project), "broken")
    projects.record_connection(version.project, {"ok": True})
    make.WorkerFactory()
    counters.note_predictions(1, 0, {})
    token = _token_of_a_viewer()
    prometheus = scraping(live_server.url.removeprefix("http://"), token)
    prometheus.wait_for("evals_run_seconds_count")
    make.TrainingRunFactory(project=version.project, state="failed")  # an increase
    for title, expression in queries.of_dashboard().items():
        assert prometheus.wait_for(expression), title
    for name, expression in queries.of_alerts().items():
        assert isinstance(prometheus.query(expression), list), name
    (row,) = prometheus.wait_for('evals_champion_metric{target="",name="primary"}')
    assert row["metric"]["version"] == version.label


@pytest.mark.nightly
def test_several_web_processes_count_together(new_data_dir, scraping):
    """The real server with two web processes: counters never go back, whoever answers a scrape."""
    data_dir, port = new_data_dir(), free_port()
    server = Server(data_dir, port, WEB_WORKERS="2")
    try:
        key = key_of(server.three_lines()[0])
        prometheus = scraping(f"127.0.0.1:{port}", _new_token(data_dir, port))
        counted = 'sum(evals_requests_total{route="versions"})'
        for _ in range(40):
            assert server.get(f"/k/{key}/versions").status == 200
        assert eventually(lambda: _value(prometheus.wait_for(counted)) == 40)
        # A web process that is killed takes none of its counts away, and one takes its place.
        killed = server.children("evals-web")[0]
        killed.send_signal(signal.SIGKILL)
        assert eventually(lambda: len(server.children("evals-web")) == 2)
        assert eventually(server.answers)
        for _ in range(20):
            assert server.get(f"/k/{key}/versions").status == 200
        assert eventually(lambda: _value(prometheus.wait_for(counted)) == 60)
        assert prometheus.query(f"resets({counted.removeprefix('sum(')[:-1]}[1h]) > 0") == []
        for title, expression in queries.of_dashboard().items():
            if title not in _OF_PROJECTS:
                assert prometheus.wait_for(expression), title
        firing = prometheus.query('ALERTS{alertstate="firing"}')
        assert firing == []
    finally:
        server.stop(signal.SIGTERM)


def _value(rows: list[dict]) -> float:
    return float(rows[0]["value"][1])


def _token_of_a_viewer() -> str:
    user = User.objects.create_user("prometheus")
    user.groups.add(Group.objects.get(name="viewer"))
    return tokens.new_token(user)


def _new_token(data_dir: Path, port: int) -> str:
    command = [sys.executable, "manage.py", "drf_create_token", "admin"]
    env = environment(data_dir, PORT=str(port))
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return re.search(r"token (\w+) for", done.stdout)[1]
