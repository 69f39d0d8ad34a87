"""Workers that run only while jobs wait: the request for one, and the cluster of trainings."""

import mmap
import socket
from datetime import timedelta

from django.utils import timezone
from django_q.brokers import get_broker

from mlapi.child_process import folder
from registry.actions import workers
from registry.models import Project

# After a project's threshold, in which its training is queued or waits for quiet.
_SOON = timedelta(seconds=5)


class Reserve:
    """A request for one more worker, shared with the processes forked after it was made."""

    def __init__(self) -> None:
        self._requested = mmap.mmap(-1, 1)

    def request(self) -> None:
        """Request one more."""
        self._requested[0] = 1

    def take(self) -> bool:
        """Whether one was requested since the last call."""
        requested, self._requested[0] = bool(self._requested[0]), 0
        return requested


class OnDemandCluster:
    """The cluster of trainings, led by a worker of another one; `reserve` requests its workers."""

    def __init__(self, cluster: str, reserve: Reserve) -> None:
        self._cluster = cluster
        self._reserve = reserve

    def prepare(self) -> None:
        """Remove the work folders of workers that were killed."""
        folder.sweep()

    def record_heartbeat(self) -> None:
        """Record the cluster as live, unless a job waits: then its worker is to record that."""
        if not self._jobs_wait():
            workers.record_heartbeat(self._cluster, socket.gethostname())

    def request_worker(self) -> None:
        """Request a worker where there is work for one."""
        if self._jobs_wait() or self._trains_soon():
            self._reserve.request()

    def record_end(self) -> None:
        """Record that the server was stopped."""
        workers.record_end(self._cluster, socket.gethostname())

    def _jobs_wait(self) -> bool:
        return bool(get_broker(self._cluster).queue_size())

    def _trains_soon(self) -> bool:
        """Whether a project has just reached its threshold: the worker starts during its quiet."""
        now = timezone.now()
        return Project.objects.filter(threshold_reached_at__range=(now - _SOON, now)).exists()
