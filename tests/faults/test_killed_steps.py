"""A worker that is killed before any step of a job: the next one ends what it has begun.

The steps are those of the whole job: each of its statements, each of its requests to Label Studio.
So what is added to a job is killed with it. The phases of a training's own process are killed in
`test_killed_phases`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from mlapi.jobs import maintenance
from registry.actions import projects
from tests.faults.jobs import JOBS, Job
from tests.faults.jobs.maintenance import Tick
from tests.faults.jobs.versions import Conversion, FailedConversion
from tests.faults.stepwise import Work, Workers, workers
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
DAILY = 1  # steps of each job; nightly it is all of them
# Tests by which the steps of a job are divided: all of a tick's take half an hour and more.
PARTS = 4
ROUNDS = 6  # of maintenance and work, after which everything is done


@pytest.fixture(scope="module")
def forker(django_db_setup, django_db_blocker) -> Iterator[Workers]:
    with django_db_blocker.unblock(), workers() as running:
        yield running


@pytest.fixture(autouse=True)
def no_grace_period(monkeypatch) -> None:
    """What is lost with a worker is found without a grace period."""
    monkeypatch.setattr(maintenance, "LOST_AFTER", timedelta())
    monkeypatch.setattr(projects, "SYNC_LOST_AFTER", timedelta())
    monkeypatch.setattr("registry.actions.workers._GONE_AFTER_S", 0)


def empty_database() -> None:
    """Flushes as between two tests; ids, which name the files in the artifact store, go on."""
    options = {"inhibit_post_migrate": True, "reset_sequences": False}
    call_command("flush", verbosity=0, interactive=False, **options)


def advisory_locks() -> int:
    """The advisory locks that are held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return cursor.fetchone()[0]


def run_next_workers(forker: Workers, job: Job) -> None:
    """Runs the next workers, with the maintenance that runs beside them."""
    for _ in range(ROUNDS):
        maintenance.tick()
        waiting = OrmQ.objects.filter(lock__lte=timezone.now())
        if not waiting.exists():
            return
        for cluster in {each.key for each in waiting}:
            forker.work(cluster, **job.settings)
    raise AssertionError([each.func() for each in waiting])


def run_redelivered_job(forker: Workers, job: Job) -> None:
    """The queue redelivers the jobs of a killed worker, which change nothing."""
    OrmQ.objects.update(lock=timezone.now())
    run_next_workers(forker, job)


def run_job(forker: Workers, job: Job, until: int | None = None) -> Work:
    if job.call:
        return forker.call(job.call, until=until, **job.settings)
    return forker.work(job.cluster, until=until, alone=job.alone, **job.settings)


def run_killed_before(forker: Workers, job: Job, step: int) -> None:
    """Runs the job, killed before that step, and to its end."""
    with ExitStack() as stack:
        job.make(stack)
        work = run_job(forker, job, step)
        assert eventually(lambda: advisory_locks() == 0)
        job.repeat()
        run_next_workers(forker, job)
        job.check()
        run_redelivered_job(forker, job)
        job.check()
    empty_database()
    # The run that counted the steps may have looked at the empty queue once more than this one.
    assert work.is_killed or len(work.steps) == step


def steps_of(forker: Workers, job: Job) -> list[str]:
    with ExitStack() as stack:
        job.make(stack)
        work = run_job(forker, job)
        assert not work.is_killed
        run_next_workers(forker, job)
        job.check()
    empty_database()
    return work.steps


def check_killed_before(forker: Workers, job: Job, chosen: Callable[[int], range]) -> None:
    steps = steps_of(forker, job)
    for step in chosen(len(steps)):
        try:
            run_killed_before(forker, job, step)
        except AssertionError as error:
            raise AssertionError(f"killed before step {step}, {steps[step]}: {error}") from error
    print(f"{type(job).__name__}: {len(steps)} steps")


# Each process of a conversion takes seconds to start, and a tick does what the other jobs do;
# `test_killed_children` kills a conversion.
NIGHTLY = (Conversion, FailedConversion, Tick)


@pytest.mark.parametrize(
    "job", [job for job in JOBS if job not in NIGHTLY], ids=lambda job: job.__name__
)
def test_a_worker_that_is_killed_before_some_steps(forker, job):
    check_killed_before(forker, job(), lambda n: range(n // DAILY // 2, n, max(1, n // DAILY)))


@pytest.mark.nightly
@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_a_worker_that_is_killed_before_any_step(forker, job, part):
    check_killed_before(forker, job(), lambda n: range(part, n, PARTS))
