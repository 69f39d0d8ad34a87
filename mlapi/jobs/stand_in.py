"""The leader of another cluster in place of one whose workers run only while it has jobs."""

import socket
from datetime import timedelta

from django.utils import timezone
from django_q.brokers import get_broker

from mlapi.child_process import folder
from mlapi.jobs import maintenance
from mlapi.jobs.reserve import Reserve
from registry.actions import workers
from registry.models import Project

# A project's quiet after its threshold is longer than the start of a worker.
_SOON = timedelta(seconds=5)


class StandIn:
    """For the trainings of one server: `reserve` requests their workers."""

    def __init__(self, cluster: str, reserve: Reserve) -> None:
        self._cluster = cluster
        self._reserve = reserve

    def prepare(self) -> None:
        """Remove what workers that were killed left."""
        folder.sweep()

    def heartbeat(self) -> None:
        """Record that jobs are taken, unless one waits: then that is for who takes it to record."""
        if not self._jobs_wait():
            workers.record_heartbeat(self._cluster, socket.gethostname())

    def look(self) -> None:
        """End the runs of killed workers, and request a worker where there is one to train."""
        maintenance.reap()
        if self._jobs_wait() or self._trains_soon():
            self._reserve.request()

    def record_end(self) -> None:
        """Record that the server was stopped."""
        workers.record_end(self._cluster, socket.gethostname())

    def _jobs_wait(self) -> bool:
        return bool(get_broker(self._cluster).queue_size())

    def _trains_soon(self) -> bool:
        """Whether a project waits for quiet, in which its worker can start."""
        now = timezone.now()
        return Project.objects.filter(threshold_reached_at__range=(now - _SOON, now)).exists()
