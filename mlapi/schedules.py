"""Which jobs run by the clock, as rows of django-q's Schedule."""

from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Schedule

from registry import queue

# The sixth field of a cron expression is seconds. django-q asks its schedules every 30 s.
_SCHEDULES = {
    "tick": {"schedule_type": Schedule.CRON, "cron": "* * * * * */30"},
    "hourly": {"schedule_type": Schedule.HOURLY},
}
_LOCK = 0x5C4ED


@transaction.atomic
def ensure() -> None:
    """Each schedule exists once, as it is meant to be; the lock stands in for a unique name.

    One that is there keeps its next run, so that a worker that often restarts still gets
    to the hourly one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    for name, when in _SCHEDULES.items():
        meant = {"func": f"mlapi.jobs.{name}", "cluster": queue.EVENTS, "repeats": -1, **when}
        there = Schedule.objects.filter(name=name).order_by("pk")
        if not there:
            Schedule.objects.create(name=name, next_run=timezone.now(), **meant)
            continue
        there.update(**meant)
        there.exclude(pk=there[0].pk).delete()
