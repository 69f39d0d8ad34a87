"""Queued jobs and schedules of the dump are there, under the names that today's code has."""

import pydoc

import pytest
from django_q.models import OrmQ, Schedule

from . import names

pytestmark = pytest.mark.django_db


def test_every_waiting_job_is_there_under_its_name(before):
    found = {job.pk: (job.key, job.func(), job.args()) for job in OrmQ.objects.all()}
    assert found == {
        pk: (cluster, names.JOBS[func], args) for pk, (cluster, func, args) in before.jobs.items()
    }


def test_every_kind_of_job_waits_or_is_scheduled(before):
    """Otherwise a kind of job would be untested."""
    waiting = {func for _, func, _ in before.jobs.values()}
    scheduled = {row["func"] for row in before.rows["django_q_schedule"]}
    assert waiting | scheduled == set(names.JOBS)


def test_functions_of_jobs_and_schedules_can_be_called():
    named = {job.func() for job in OrmQ.objects.all()}
    named |= set(Schedule.objects.values_list("func", flat=True))
    assert {name for name in named if not callable(pydoc.locate(name))} == set()
