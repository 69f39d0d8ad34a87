"""Lost artifacts, champions and workers of this machine: each is reported and repaired."""

import os
import signal
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mlapi.jobs import maintenance
from mlapi.training.run import carry_out
from mlapi.worker import is_gone, worker_name
from registry import artifacts
from registry.actions import champion, run_starts, runs, versions
from registry.models import TrainingRun
from tests.factories import ModelVersionFactory, ProjectFactory, WorkerFactory, promote
from tests.mlapi.caller import Caller
from tests.mlapi.training.projects import labelled_project, small_programs
from tests.mlapi.training.runs import BackgroundRun, is_running
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def call(key) -> Caller:
    return Caller(f"/k/{key.plain}")


@pytest.fixture
def root() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_a_lost_artifact_is_no_servers_error_on_any_page_or_route(root):
    version = ModelVersionFactory(champion=True)
    other = ModelVersionFactory(project=version.project)
    artifacts.fetch(version).unlink()
    path = artifacts.fetch(other)
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    answer = root.get(f"/api/versions/{version.pk}/artifact/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "artifact_missing")
    answer = root.get(f"/api/versions/{other.pk}/artifact/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "artifact_corrupt")
    versions.mark_load_failed(version, "gone")
    for url, method in [
        (f"/admin/registry/modelversion/{version.pk}/change/", root.get),
        (f"/admin/registry/modelversion/{version.pk}/download/", root.get),
        (f"/admin/registry/modelversion/{version.pk}/clear_load_failure/", root.post),
        (f"/api/versions/{version.pk}/card/", root.get),
    ]:
        assert method(url).status_code < 500, url
    body = {"reason": "it is back"}
    again = root.post(f"/api/versions/{version.pk}/clear-load-failure/", body, "application/json")
    assert again.status_code == 404


def test_ready_names_the_projects_that_lost_their_champion(call):
    for cluster in ("events", "training"):
        WorkerFactory(cluster=cluster)
    ProjectFactory()  # that never had one
    ModelVersionFactory()  # nor was promoted
    assert call.get("/ready").json()["without_champion"] == []
    lost = ModelVersionFactory(champion=True)
    champion.fall_back(
        lost.project, lost, actor="serving", error="its file is damaged", loads=lambda v: False
    )
    failed = ModelVersionFactory(champion=True)
    versions.mark_load_failed(failed, "ArtifactMissing: gone")
    answer = call.get("/ready")
    assert answer.status_code == 200
    first, second = answer.json()["without_champion"]
    assert (first["project"], first["champion"]) == (lost.project.uid, None)
    assert first["error"] == "its file is damaged"
    assert (second["project"], second["champion"]) == (failed.project.uid, failed.label)
    assert "Restore" in second["cure"]
    promote(ModelVersionFactory(project=lost.project))
    assert len(call.get("/ready").json()["without_champion"]) == 1


def test_the_process_of_a_worker_is_known_to_have_ended_on_its_own_machine_only():
    assert not is_gone(worker_name())
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    host = worker_name().rpartition(":")[0]
    assert is_gone(f"{host}:{ended.pid}")
    assert not is_gone(f"elsewhere:{ended.pid}")
    assert not is_gone("") and not is_gone("without a process")


def test_a_queued_run_does_not_wait_for_the_learning_curve_of_the_one_before():
    first, second = (labelled_project({"Positive": 35, "Negative": 25}) for _ in range(2))
    run, _ = run_starts.start(first, trigger=TrainingRun.Trigger.POLICY)
    with BackgroundRun(run, curve="hang") as elsewhere:
        pids = elsewhere.pids()
        waiting, _ = run_starts.start(second, trigger=TrainingRun.Trigger.POLICY)
    assert run.state == "succeeded"
    assert "No learning curve: another run waits for the worker." in run.log
    assert eventually(lambda: not any(map(is_running, pids)))
    ended = carry_out(waiting.pk, "worker@test", programs=small_programs())
    assert ended is not None and ended.state == "succeeded"


def test_a_run_whose_worker_was_killed_here_is_tried_again_at_its_restart(monkeypatch):
    project = labelled_project({"Positive": 35, "Negative": 25})
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.POLICY)
    monkeypatch.setattr("registry.actions.workers._GONE_AFTER_S", 3600)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as worker:
        host = worker_name().rpartition(":")[0]
        runs.claim(run.pk, f"{host}:{worker.pid}")
        maintenance.reap()
        os.kill(worker.pid, signal.SIGKILL)
    maintenance.reap()
    assert not TrainingRun.objects.filter(retry_of=run).exists()  # its last heartbeat is recent
    monkeypatch.setattr("registry.actions.workers._GONE_AFTER_S", 0)
    maintenance.reap()
    assert TrainingRun.objects.get(retry_of=run).state == "queued"
