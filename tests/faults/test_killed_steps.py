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
def forked(django_db_setup, django_db_blocker) -> Iterator[Workers]:
    with django_db_blocker.unblock(), workers() as running:
        yield running


@pytest.fixture(autouse=True)
def lost_at_once(monkeypatch) -> None:
    """What is lost with a worker is found without waiting for its seconds to pass."""
    monkeypatch.setattr(maintenance, "LOST_AFTER", timedelta())
    monkeypatch.setattr(projects, "SYNC_LOST_AFTER", timedelta())
    monkeypatch.setattr("registry.actions.workers._GONE_AFTER_S", 0)


def empty_database() -> None:
    """As between two tests; ids are not given again, by which files lie in the artifact store."""
    options = {"inhibit_post_migrate": True, "reset_sequences": False}
    call_command("flush", verbosity=0, interactive=False, **options)


def holders() -> int:
    """The advisory locks that are held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return cursor.fetchone()[0]


def goes_on(forked: Workers, job: Job) -> None:
    """The next workers, with the maintenance that runs beside them."""
    for _ in range(ROUNDS):
        maintenance.tick()
        waiting = OrmQ.objects.filter(lock__lte=timezone.now())
        if not waiting.exists():
            return
        for cluster in {each.key for each in waiting}:
            forked.work(cluster, **job.settings)
    raise AssertionError([each.func() for each in waiting])


def an_hour_later(forked: Workers, job: Job) -> None:
    """What a killed worker had taken comes back from the queue, and changes nothing."""
    OrmQ.objects.update(lock=timezone.now())
    goes_on(forked, job)


def carried_out(forked: Workers, job: Job, until: int | None = None) -> Work:
    if job.call:
        return forked.call(job.call, until=until, **job.settings)
    return forked.work(job.cluster, until=until, alone=job.alone, **job.settings)


def killed_before(forked: Workers, job: Job, step: int) -> None:
    """Carry it out, killed before that step, and to its end."""
    with ExitStack() as stack:
        job.make(stack)
        work = carried_out(forked, job, step)
        assert eventually(lambda: holders() == 0)
        job.repeat()
        goes_on(forked, job)
        job.check()
        an_hour_later(forked, job)
        job.check()
    empty_database()
    # The run that counted the steps may have looked at the empty queue once more than this one.
    assert work.is_killed or len(work.steps) == step


def steps_of(forked: Workers, job: Job) -> list[str]:
    with ExitStack() as stack:
        job.make(stack)
        work = carried_out(forked, job)
        assert not work.is_killed
        goes_on(forked, job)
        job.check()
    empty_database()
    return work.steps


def kill_before(forked: Workers, job: Job, chosen: Callable[[int], range]) -> None:
    steps = steps_of(forked, job)
    for step in chosen(len(steps)):
        try:
            killed_before(forked, job, step)
        except AssertionError as error:
            raise AssertionError(f"killed before step {step}, {steps[step]}: {error}") from error
    print(f"{type(job).__name__}: {len(steps)} steps")


# Each process of a conversion takes seconds to start, and a tick does what the other jobs do;
# `test_killed_children` kills a conversion.
NIGHTLY = (Conversion, FailedConversion, Tick)


@pytest.mark.parametrize(
    "job", [job for job in JOBS if job not in NIGHTLY], ids=lambda job: job.__name__
)
def test_a_worker_that_is_killed_before_some_steps(forked, job):
    kill_before(forked, job(), lambda n: range(n // DAILY // 2, n, max(1, n // DAILY)))


@pytest.mark.nightly
@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_a_worker_that_is_killed_before_any_step(forked, job, part):
    kill_before(forked, job(), lambda n: range(part, n, PARTS))
