"""A challenger is a run of its own kind: beside no training, ended by the next one."""

import pytest

from registry.actions import run_starts, runs
from registry.actions.runs import CancelRequested
from registry.models import TrainingRun
from registry.models.run import RunKind, RunState
from tests import factories as make

pytestmark = pytest.mark.django_db


def challenger(**fields) -> TrainingRun:
    return make.TrainingRunFactory(kind=RunKind.CHALLENGER, **fields)


def test_a_challenger_takes_over_how_its_training_was_configured():
    parameters = {"options": {"seed": 3}, "seed": 3, "time_budget_s": 5}
    training = make.TrainingRunFactory(state="succeeded", parameters=parameters)
    run = run_starts.start_challenger(training)
    assert (run.kind, run.trigger) == (RunKind.CHALLENGER, TrainingRun.Trigger.CHALLENGER)
    assert run.parameters == parameters
    assert run.project == training.project


@pytest.mark.parametrize("kind", list(RunKind))
def test_a_challenger_is_queued_beside_no_active_run(kind):
    training = make.TrainingRunFactory(state="succeeded")
    make.TrainingRunFactory(project=training.project, kind=kind, state="running")
    assert run_starts.start_challenger(training) is None


def test_a_training_ends_every_challenger_with_its_start():
    queued, running = challenger(state="queued"), challenger(state="running")
    ended = challenger(state="succeeded")
    training, started = run_starts.start(queued.project, trigger="policy")
    assert started
    for run in (queued, running, ended):
        run.refresh_from_db()
    assert (queued.state, queued.cancel_requested) == (RunState.CANCELLED, True)
    assert queued.ended_at
    assert (running.state, running.cancel_requested) == (RunState.RUNNING, True)
    assert running.ended_at is None
    assert "A training has begun" in running.log
    assert (ended.state, ended.cancel_requested, ended.log) == (RunState.SUCCEEDED, False, "")
    assert training.state == RunState.QUEUED


def test_a_challenger_ends_no_other():
    training = make.TrainingRunFactory(state="succeeded")
    other = challenger(state="running")
    assert run_starts.start_challenger(training)
    other.refresh_from_db()
    assert not other.cancel_requested


def test_a_challenger_that_is_cancelled_stops_before_it_registers():
    run = challenger(state="running")
    runs.require_not_cancelled(run)
    run_starts.start(run.project, trigger="policy")
    with pytest.raises(CancelRequested):
        runs.require_not_cancelled(run)


def test_a_challenger_is_tried_again_as_one():
    failed = challenger(state="failed")
    again, _ = run_starts.retry(failed, actor="ada")
    assert again.kind == RunKind.CHALLENGER


def test_a_champion_of_an_old_format_is_replaced_although_a_challenger_runs():
    run = challenger(state="running")
    assert run_starts.start_for_format(run.project, actor="worker", reason="old")
