"""`manage.py train`."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from registry.actions import run_starts, runs
from registry.models import TrainingRun
from tests.factories import WorkerFactory
from tests.mlapi.image_projects import WITHOUT_CURVE

from .projects import labelled_project, small_programs

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("forked_trainings"),
]


def train(*arguments):
    """The exit status and what was printed."""
    output = StringIO()
    try:
        call_command("train", *arguments, stdout=output)
    except SystemExit as end:
        return end.code, output.getvalue()
    return 0, output.getvalue()


@pytest.fixture
def project():
    return labelled_project({"Positive": 35, "Negative": 25})


def test_here_it_trains_and_ends_with_the_numbers_beside_the_baseline(project, monkeypatch):
    monkeypatch.setattr("mlapi.training.run.Programs", lambda: WITHOUT_CURVE)
    status, output = train(project.uid, "--here")
    run = TrainingRun.objects.get(project=project)
    assert (status, run.state, run.trigger) == (0, "succeeded", "command")
    assert "baseline" in output
    assert "macro_f1" in output
    assert f"{run.version.label} serves now." in output


def test_a_failure_is_printed_with_its_cure(project, monkeypatch):
    monkeypatch.setattr("mlapi.training.run.Programs", lambda: small_programs(train="refuse"))
    status, output = train(str(project.pk), "--here")
    assert status == 1
    assert "Only one class. Label another." in output


def test_without_a_worker_it_says_so_and_leaves_the_run_queued(project):
    status, output = train(project.uid)
    assert status == 3
    assert "No training worker" in output and "--here" in output
    assert TrainingRun.objects.get(project=project).state == "queued"


def test_a_second_command_joins_the_active_run(project):
    WorkerFactory(cluster="training")
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    status, output = train(project.uid, "--no-wait")
    assert status == 0
    assert f"joined run {run.pk}" in output


def test_a_cancelled_run_has_a_status_of_its_own(project):
    WorkerFactory(cluster="training")
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")

    def cancel():
        runs.cancel(run.pk, actor="tester")
        connections.close_all()

    threading.Timer(1, cancel).start()
    assert train(project.uid)[0] == 2


def test_an_unknown_project_is_refused_with_the_command_that_lists_the_known_ones(project):
    with pytest.raises(CommandError, match="manage.py projects"):
        train("no-such-project")
