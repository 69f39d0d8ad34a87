"""Concurrent actions: the database lets one succeed, and the others read its effect."""

import threading

import pytest
from django.db import transaction
from django_q.models import OrmQ

from registry.actions import champion, keys, projects, registration, run_starts, runs, versions
from registry.actions.runs import RunNotActive
from registry.errors import Refused
from registry.models import AccessKey, AuditEntry, ModelVersion, Project, TrainingRun
from registry.models.run import ACTIVE_STATES, RunKind, RunState
from tests import factories as make
from tests.registry.threads import run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)


def test_twenty_starts_make_one_run():
    project = make.ProjectFactory()
    results = run_concurrently(20, lambda i: run_starts.start(project, trigger="start_training"))
    run = TrainingRun.objects.get()
    assert [r.pk for r, _ in results] == [run.pk] * 20
    assert sum(created for _, created in results) == 1
    assert OrmQ.objects.count() == 1


def test_a_rolled_back_start_lets_a_waiting_start_proceed():
    project = make.ProjectFactory()
    started, go_on = threading.Event(), threading.Event()

    def slow(i):
        if i == 0:
            try:
                with transaction.atomic():
                    run_starts.start(project, trigger="policy")
                    started.set()
                    go_on.wait(60)
                    raise Refused("changed its mind")
            except Refused:
                return None
        started.wait(60)
        threading.Timer(0.2, go_on.set).start()
        return run_starts.start(project, trigger="start_training")

    _, (run, created) = run_concurrently(2, slow)
    assert created
    assert TrainingRun.objects.get() == run


@pytest.mark.parametrize("first", [RunKind.CHALLENGER, RunKind.TRAINING])
def test_of_a_challenger_and_a_training_that_start_at_once_the_training_is_active(first):
    project = make.ProjectFactory()
    started, done = threading.Event(), threading.Event()

    def start(i):
        kind = first if i == 0 else ({*RunKind} - {first}).pop()
        trigger = "challenger" if kind == RunKind.CHALLENGER else "policy"
        if i == 0:
            with transaction.atomic():
                run_starts.start(project, trigger=trigger, kind=kind)
                started.set()
                done.wait(1.0)  # in vain, as the other one waits for this transaction
            return
        started.wait(60)
        run_starts.start(project, trigger=trigger, kind=kind)
        done.set()

    assert run_concurrently(2, start) == [None, None]
    active = TrainingRun.objects.filter(state__in=ACTIVE_STATES)
    assert [run.kind for run in active] == [RunKind.TRAINING]


def test_a_queued_run_is_claimed_by_one_worker():
    run = make.TrainingRunFactory()
    claims = run_concurrently(10, lambda i: runs.claim(run.pk, f"worker {i}"))
    winners = [c for c in claims if c is not None]
    assert len(winners) == 1
    run.refresh_from_db()
    assert (run.state, run.worker) == (RunState.RUNNING, winners[0].worker)


def test_ten_registrations_get_the_numbers_one_to_ten(tmp_path):
    project = make.ProjectFactory()
    artifact = tmp_path / "artifact.bin"
    artifact.write_bytes(b"the same content for all")
    started = []
    for _ in range(10):
        run = make.TrainingRunFactory(project=project, state="running")
        started.append(run)
        # Only one run of a project can be active, so nine of them belong to others meanwhile.
        TrainingRun.objects.filter(pk=run.pk).update(project=make.ProjectFactory())
    for run in started:
        run.project_id = project.pk
    results = run_concurrently(10, lambda i: register(started[i], artifact))
    assert sorted(v.number for v in results) == list(range(1, 11))
    assert len({v.artifact for v in results}) == 10


def register(run, artifact):
    run.parameters = {"pipeline": "text_classification", "fingerprint": "f"}
    return registration.register(run, make.result(artifact), artifact)


def test_cancel_and_claim_at_once_leave_a_run_whose_cancellation_is_requested():
    for _ in range(5):
        run = make.TrainingRunFactory()

        def claim_or_cancel(i, run=run):
            return runs.claim(run.pk, "w") if i else runs.cancel(run.pk, actor="a", reason="r")

        run_concurrently(2, claim_or_cancel)
        run.refresh_from_db()
        assert run.cancel_requested
        assert run.state in {RunState.CANCELLED, RunState.RUNNING}


def test_a_run_ends_once():
    run = make.TrainingRunFactory(state="running")
    ends = [
        lambda: runs.succeed(TrainingRun.objects.get(pk=run.pk)),
        lambda: runs.fail(TrainingRun.objects.get(pk=run.pk), "x", "y", "z"),
        lambda: runs.finish_cancel(TrainingRun.objects.get(pk=run.pk)),
    ]
    results = run_concurrently(6, lambda i: ends[i % 3]())
    assert sum(result is None for result in results) == 1
    assert all(isinstance(r, RunNotActive) for r in results if r is not None)


def test_promotions_and_a_fall_back_at_once_leave_an_unbroken_history():
    project = make.ProjectFactory()
    made = [make.ModelVersionFactory(project=project) for _ in range(6)]
    champion.promote(made[2], actor="a", reason="r")

    def promote_or_fall_back(i):
        if i == 2:
            return champion.fall_back(
                project, made[2], actor="serving", error="gone", loads=lambda v: True
            )
        return champion.promote(made[i], actor="a", reason="r")

    run_concurrently(6, promote_or_fall_back)
    project.refresh_from_db()
    moves = list(AuditEntry.objects.filter(project=project).exclude(verb="train").order_by("id"))
    assert moves[0].from_version is None
    for before, after in zip(moves, moves[1:], strict=False):
        assert after.from_version == before.to_version
    assert moves[-1].to_version == project.champion
    assert project.champion != made[2]


def test_of_five_roll_backs_from_one_champion_at_once_one_is_done_and_recorded():
    project = make.ProjectFactory()
    made = [make.ModelVersionFactory(project=project, champion=True) for _ in range(6)]
    serving = made[5].label

    results = run_concurrently(
        5,
        lambda i: champion.roll_back(
            project, actor="a", reason=f"reason {i}", expected_champion=serving
        ),
    )

    (done,) = [result for result in results if isinstance(result, AuditEntry)]
    assert sum(isinstance(result, champion.ChampionChanged) for result in results) == 4
    assert list(AuditEntry.objects.filter(verb="roll_back")) == [done]
    assert (done.from_version, done.to_version) == (made[5], made[4])
    project.refresh_from_db()
    assert project.champion == made[4]


def test_archiving_and_promoting_at_once_never_leaves_an_archived_champion():
    for _ in range(5):
        version = make.ModelVersionFactory()

        def archive_or_promote(i, version=version):
            action = versions.archive if i else champion.promote
            return action(ModelVersion.objects.get(pk=version.pk), actor="a", reason="r")

        results = run_concurrently(2, archive_or_promote)
        assert sum(isinstance(r, Refused) for r in results) == 1
        version.refresh_from_db()
        serves = Project.objects.get(pk=version.project_id).champion_id == version.pk
        assert serves != bool(version.archived_at)


def test_one_of_ten_concurrent_first_setups_creates_the_project():
    results = run_concurrently(10, lambda i: setup("7.1795420847", token=f"token {i}"))
    assert Project.objects.count() == 1
    assert sum(created for _, created, _ in results) == 1


def setup(uid, token="t", **fields):
    usual = {
        "label_config": make.LABEL_CONFIG,
        "hostname": "http://localhost:8080",
        "extra_params": None,
        "backend_url": "http://localhost:9090",
    }
    return projects.upsert_from_setup(uid, projects.Setup(setup_token=token, **{**usual, **fields}))


def test_ten_concurrent_sync_requests_queue_one():
    project = make.ProjectFactory()
    assert sum(run_concurrently(10, lambda i: projects.request_sync(project, "setup"))) == 1
    assert OrmQ.objects.count() == 1


def test_a_key_is_revoked_once():
    key = make.AccessKeyFactory()
    results = run_concurrently(
        5, lambda i: keys.revoke(AccessKey.objects.get(pk=key.pk), actor="a", reason="r")
    )
    assert sum(isinstance(result, AuditEntry) for result in results) == 1
    assert AuditEntry.objects.filter(verb="revoke_key").count() == 1
