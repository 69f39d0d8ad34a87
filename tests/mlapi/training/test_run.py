"""A run from claim to promotion, with a small real program in the child's place."""

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from mlapi.child_process import folder, supervise
from mlapi.child_process.supervise import Limits
from mlapi.training import heartbeat, mirror_update
from mlapi.training.run import carry_out
from mlapi.worker import shutdown_requested
from registry import artifacts
from registry.actions import champion, project_settings, runs
from registry.error_codes import CODES
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun
from tests.factories import ModelVersionFactory, promote
from tests.mlapi.labelstudio_api import UID, LabelStudioAPI

from .projects import label, labelled_project, small_programs

pytestmark = pytest.mark.django_db(transaction=True)

UNHURRIED = Limits(seconds=60, memory_mb=4096)


def queued(project: Project, **fields) -> TrainingRun:
    fields = {"trigger": TrainingRun.Trigger.ADMIN, "actor": "tester", **fields}
    return runs.start(project, **fields)[0]


def carried_out(project: Project, limits: Limits = UNHURRIED, **behaviours) -> TrainingRun:
    run = queued(project)
    return carry_out(run.pk, "worker@test", programs=small_programs(**behaviours), limits=limits)


@pytest.fixture
def project():
    return labelled_project({"Positive": 35, "Negative": 25})


@pytest.fixture(autouse=True)
def no_folder_is_left():
    yield
    assert list(folder.home().glob("run-*")) == []


def wait_for(condition, seconds: float = 60):
    """What the condition gives as soon as it is true; the limit is for a busy machine."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


class Elsewhere:
    """Carries the run out in a thread, as a worker elsewhere would."""

    def __init__(self, run: TrainingRun, **behaviours) -> None:
        self.run, self.behaviours = run, behaviours

    def __enter__(self) -> "Elsewhere":
        self.pids_file = folder.home() / "pids.json"
        self.pids_file.unlink(missing_ok=True)
        self.thread = threading.Thread(target=self._carry_out)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.thread.join(90)
        assert not self.thread.is_alive()
        self.run.refresh_from_db()

    def pids(self) -> list[int]:
        def read():
            try:
                return json.loads(self.pids_file.read_text())
            except (OSError, ValueError):
                return None

        return wait_for(read)

    def _carry_out(self) -> None:
        try:
            carry_out(
                self.run.pk,
                "worker@test",
                programs=small_programs(**self.behaviours),
                limits=UNHURRIED,
            )
        finally:
            connections.close_all()


def test_the_first_version_becomes_champion(project):
    run = carried_out(project)
    project.refresh_from_db()
    version = run.version
    assert run.state == "succeeded"
    assert project.champion == version
    assert version.label.startswith("v1-")
    assert version.fingerprint == project.fingerprint
    assert artifacts.fetch(version).read_text() == json.dumps([run.pk, "Positive"])
    assert [t.name for t in version.targets.all()] == ["label"]
    assert version.metrics.filter(name="primary").exists()
    holdout = run.dataset_counts["holdout"]
    assert version.outcomes.count() == holdout > 0
    assert AuditEntry.objects.get(project=project, verb="promote").run == run


def test_the_run_records_what_it_did(project):
    run = carried_out(project)
    assert run.worker == "worker@test"
    assert run.candidates[0]["name"] == "majority"
    assert run.statements == [{"sql": "SELECT 1", "seconds": 0.01, "rows": 60}]
    assert "fitting a majority vote" in run.log
    assert [p["name"] for p in run.phases] == [
        "reading labels",
        "freezing the dataset",
        "starting the training",
        "fitting",
        "verifying",
        "registering",
    ]
    assert all(p["seconds"] is not None for p in run.phases)
    assert run.progress == 1
    assert run.snapshot_at and len(run.dataset_fingerprint) == 64
    assert run.parameters["fingerprint"] == project.fingerprint
    assert run.parameters["time_budget_s"] == settings.TRAIN_TIME_BUDGET_S


def test_the_learning_curve_comes_after_the_run(project):
    run = carried_out(project)
    assert run.version.metrics.get(name="learning_curve").step == 10


@pytest.mark.parametrize("curve", ["refuse", "die"])
def test_a_failed_learning_curve_hurts_nothing(project, curve):
    run = carried_out(project, curve=curve)
    assert run.state == "succeeded"
    assert "No learning curve: Child" in run.log
    assert not run.version.metrics.filter(name="learning_curve").exists()


def test_the_second_version_is_compared_with_the_champion(project):
    first = carried_out(project).version
    label(project, {"Positive": 5}, first_id=1000)
    run = carried_out(project)
    project.refresh_from_db()
    assert run.comparison["champion_label"] == first.label
    assert run.version.number == 2
    assert project.champion == run.version  # fewer than 30 in the holdout: not compared


def test_a_comparison_with_a_former_champion_promotes_nothing(project):
    first = carried_out(project).version
    other = ModelVersionFactory(project=project)
    run = queued(project)
    with Elsewhere(run, train="hang") as elsewhere:
        elsewhere.pids()
        assert json.loads((folder.home() / f"run-{run.pk}" / "job.json").read_text())["champion"][
            "label"
        ] == (first.label)
        runs.cancel(run.pk, actor="tester")
    promote(other)
    assert champion.apply_promotion_rule(first, {"champion_label": first.label, "n": 99}) is False


def test_the_child_knows_no_secret(project):
    known = set(carried_out(project).version.environment["variables"].split())
    assert not known & {"DATABASE_URL", "SECRET_KEY", "DATA_DIR", "DJANGO_SETTINGS_MODULE"}


def test_cancel_ends_the_run_and_its_processes(project):
    run = queued(project)
    with Elsewhere(run, train="hang") as elsewhere:
        pids = elsewhere.pids()
        runs.cancel(run.pk, actor="tester")
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "cancelled")
    assert not any(psutil.pid_exists(p) and is_running(p) for p in pids)
    assert not ModelVersion.objects.filter(project=project).exists()


def test_a_cancel_waits_for_less_than_two_seconds():
    """One heartbeat, one poll of it, and the grace of a program that ignores SIGTERM."""
    assert heartbeat._BEAT_S + supervise._POLL_S + supervise._TERM_GRACE_S < 2


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_cancel_while_the_mirror_is_read_takes_effect_at_once(project, monkeypatch):
    """Whatever it waits for: the row is cancelled meanwhile."""
    may_end = threading.Event()
    monkeypatch.setattr(mirror_update, "bring_up_to_date", lambda *_: may_end.wait(60))
    run = queued(project)
    with Elsewhere(run):
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "running")
        runs.cancel(run.pk, actor="tester")
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "cancelled")
        may_end.set()
    assert run.state == "cancelled"
    assert not run.dataset_file or not ModelVersion.objects.filter(project=project).exists()


@pytest.mark.parametrize(
    ("behaviour", "code", "message"),
    [
        ("die", "child_crashed", "signal 9"),
        ("break_off", "child_crashed", "status 3"),
        ("refuse", "one_class", "Only one class."),
    ],
)
def test_a_child_that_fails_fails_the_run_with_its_reason(project, behaviour, code, message):
    run = carried_out(project, train=behaviour)
    assert (run.state, run.error_code) == ("failed", code)
    assert message in run.error
    assert run.hint
    project.refresh_from_db()
    assert project.champion is None


def test_a_result_of_another_shape_makes_no_version(project):
    run = carried_out(project, train="misspell")
    assert (run.state, run.error_code) == ("failed", "run_file_invalid")
    assert "result.json has an unknown field 'main_metric'" in run.error
    assert run.hint
    assert not ModelVersion.objects.filter(project=project).exists()


def test_a_child_killed_from_outside_fails_the_run(project):
    run = queued(project)
    with Elsewhere(run, train="hang") as elsewhere:
        os.kill(elsewhere.pids()[0], 9)
    assert (run.state, run.error_code) == ("failed", "child_crashed")
    assert "signal 9" in run.error


@pytest.mark.parametrize(
    ("behaviour", "limits", "code"),
    [
        ("hang", Limits(seconds=2, memory_mb=4096), "time_limit"),
        ("devour", Limits(seconds=60, memory_mb=200), "memory_limit"),
    ],
)
def test_a_run_over_its_limit_is_ended(project, behaviour, limits, code):
    run = carried_out(project, limits, train=behaviour)
    assert (run.state, run.error_code) == ("failed", code)


def test_a_version_that_does_not_load_is_stored_and_never_serves(project):
    first = carried_out(project).version
    run = carried_out(project, verify="mistrust")
    project.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "load_failed")
    assert run.version.load_failed_at
    assert "it does not load" in run.version.load_error
    assert project.champion == first


def test_the_check_reads_what_the_store_has(project):
    paths = []
    usual = small_programs()

    def verify(folder: Path, artifact: Path, sha256: str):
        paths.append(artifact)
        return usual.verify(folder, artifact, sha256)

    run = carry_out(
        queued(project).pk, "worker@test", programs=replace(usual, verify=verify), limits=UNHURRIED
    )
    assert paths == [artifacts.fetch(run.version)]


def test_a_run_without_labels_says_so():
    run = carried_out(labelled_project({}))
    assert (run.state, run.error_code) == ("failed", "no_labels")


def test_a_config_that_cannot_be_served_says_so(project):
    config = '<View><Image name="i" value="$i"/></View>'
    Project.objects.filter(pk=project.pk).update(label_config=config)
    run = carried_out(project)
    assert (run.state, run.error_code) == ("failed", "not_served")


def test_a_run_is_carried_out_once(project):
    run = queued(project)
    assert runs.claim(run.pk, "another worker")
    assert carry_out(run.pk, "worker@test", programs=small_programs()) is None


def test_a_reaped_run_writes_nothing_more(project):
    run = queued(project)
    with Elsewhere(run, train="hang") as elsewhere:
        elsewhere.pids()
        taken = TrainingRun.objects.get(pk=run.pk)
        runs.fail(taken, "worker_lost", "as the reaper does")
    assert run.error_code == "worker_lost"


def test_a_stopped_worker_hands_its_run_back(project):
    run = queued(project)
    try:
        with Elsewhere(run, train="hang") as elsewhere:
            elsewhere.pids()
            shutdown_requested.set()
    finally:
        shutdown_requested.clear()
    assert (run.state, run.error_code) == ("failed", "worker_stopped")
    again = TrainingRun.objects.get(project=project, state="queued")
    assert again.retry_of == run


def test_a_stopped_worker_does_not_wait_for_the_learning_curve(project):
    run = queued(project)
    try:
        with Elsewhere(run, curve="hang") as elsewhere:
            pids = elsewhere.pids()
            shutdown_requested.set()
    finally:
        shutdown_requested.clear()
    assert run.state == "succeeded"
    wait_for(lambda: not any(map(psutil.pid_exists, pids)))


def test_a_worker_that_stops_takes_no_run(project):
    run = queued(project)
    shutdown_requested.set()
    try:
        assert carry_out(run.pk, "worker@test", programs=small_programs()) is None
    finally:
        shutdown_requested.clear()
    run.refresh_from_db()
    assert run.state == "queued"


def test_start_training_without_credentials_learns_from_the_mirror(project):
    run = queued(project, trigger=TrainingRun.Trigger.START_TRAINING)
    run = carry_out(run.pk, "worker@test", programs=small_programs(), limits=UNHURRIED)
    assert run.state == "succeeded"
    assert "Reading from Label Studio failed" in run.log


def test_what_a_killed_worker_left_is_swept(tmp_path):
    left = ["convert-1f", "load-check-2e", "run-999"]
    for name in left:
        (folder.home() / name).mkdir(parents=True)
    with folder.work_folder(1000) as in_use, folder.temporary_folder("convert") as converting:
        assert sorted(folder.sweep(young_s=0)) == left
        assert in_use.is_dir()
        assert converting.is_dir()
        assert Path(in_use).stat().st_mode & 0o777 == 0o700


def test_a_run_that_could_not_read_label_studio_says_so_with_the_cure():
    project = labelled_project({})
    Project.objects.filter(pk=project.pk).update(uid=UID)
    with LabelStudioAPI(project.label_config) as api:
        project_settings.set_credentials(project, api.url, "a-token", actor="test")
        api.add({"text": "good"}, "Positive")
        unread = ("/api/projects/1/export", "/api/tasks")
        api.gateway = lambda call: (504, b"") if call.path in unread else None
        run = carried_out(project)
    assert (run.state, run.error_code) == ("failed", "labelstudio_server_error")
    assert "504" in run.error
    assert "No task has a usable label" in run.error
    assert run.hint == CODES["labelstudio_server_error"].hint
    assert "Label some tasks" not in run.hint


@pytest.mark.parametrize(
    ("step", "cause", "code"),
    [
        ("reach", "labelstudio_unreachable", "labelstudio_unreachable"),
        ("export", "", "labels_unread"),  # of a check by an earlier release
        ("webhook", "labelstudio_rejected", "no_labels"),
        (None, "", "no_labels"),
    ],
)
def test_a_run_after_a_sync_that_could_not_read_says_so(step, cause, code):
    project = labelled_project({})
    report = {"step": step, "ok": step is None, "detail": "It answered 504.", "cure": "Ask again."}
    report["code"] = cause
    connection = {"ok": step is None, "failed": step, "steps": [report]}
    Project.objects.filter(pk=project.pk).update(synced_at=timezone.now(), connection=connection)
    run = carried_out(project)
    assert (run.state, run.error_code) == ("failed", code)
    assert ("It answered 504. No task" in run.error) == (code != "no_labels")
    assert (run.hint == "Ask again.") == (code != "no_labels")


def test_a_run_while_label_studio_is_still_being_read_says_how_far_it_was(project):
    Project.objects.filter(pk=project.pk).update(reading={"after": 60, "read": 60, "of": 9_000})
    run = carried_out(project)
    assert run.state == "succeeded"
    assert run.dataset_counts["read_so_far"] == {"read": 60, "of": 9_000}
    assert "60 of 9,000 tasks have been read from Label Studio so far" in run.log
