"""The periodic jobs' schedules, and what becomes of stored times when the wall clock is set."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from registry import queue
from registry.actions import projects as project_actions
from registry.actions import webhooks

# The sixth field of a cron expression is seconds. django-q asks its schedules every 30 s.
_SCHEDULES = {
    "tick": {"schedule_type": Schedule.CRON, "cron": "* * * * * */30"},
    "hourly": {"schedule_type": Schedule.HOURLY},
}
_SCHEDULES_LOCK = 0x5C4ED
# Further ahead than this a schedule's next run was planned before the clock was set back.
_LONGEST_PAUSE = {"tick": timedelta(minutes=5), "hourly": timedelta(hours=2)}
_AHEAD = timedelta(minutes=1)
_SET_BY_S = 5.0
_LATELY_S = 5.0  # several heartbeats of a run


@transaction.atomic
def ensure_schedules() -> None:
    """Creates each schedule, or updates it; the lock replaces a unique constraint on the name.

    An existing schedule keeps its next run, so that a worker that restarts often still runs the
    hourly one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEDULES_LOCK])
    for name, when in _SCHEDULES.items():
        fields = {"func": f"mlapi.jobs.{name}", "cluster": queue.EVENTS, "repeats": -1, **when}
        existing = Schedule.objects.filter(name=name).order_by("pk")
        if not existing:
            Schedule.objects.create(name=name, next_run=timezone.now(), **fields)
            continue
        existing.update(**fields)
        existing.exclude(pk=existing[0].pk).delete()


def forget_future() -> None:
    """Resets stored times that lie ahead after the clock was set back, so that nothing waits.

    A job of which the lock is within its longest time may be in a worker's hands, and waits for it.
    """
    now = timezone.now()
    for name, pause in _LONGEST_PAUSE.items():
        Schedule.objects.filter(name=name, next_run__gt=now + pause).update(next_run=now)
    for cluster in (queue.EVENTS, queue.TRAINING):
        longest = timedelta(seconds=cluster_settings(cluster)["retry"])
        OrmQ.objects.filter(key=cluster, lock__gt=now + longest + _AHEAD).update(lock=now)
    project_actions.forget_future(now + _AHEAD)
    webhooks.forget_future(now + _AHEAD)


def cluster_settings(cluster: str) -> dict[str, Any]:
    """django-q's settings of the cluster."""
    return settings.Q_CLUSTER | settings.Q_CLUSTER["ALT_CLUSTERS"].get(cluster, {})


class WallClock:
    """Detects by the monotonic clock that the wall clock was set, or that the machine slept.

    The wall clock's lead over the other is compared at each call.
    """

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()
        self._set_at = float("-inf")

    def was_set_lately(self) -> bool:
        """Whether a change of the wall clock was detected in the last _LATELY_S seconds."""
        now = time.monotonic()
        ahead = time.time() - now
        if abs(ahead - self._ahead) > _SET_BY_S:
            self._set_at = now
        self._ahead = ahead
        return now - self._set_at < _LATELY_S
