"""`manage.py worker`: one django-q cluster, its heartbeat, and a stop that ends trainings."""

import socket
import time
from collections.abc import Callable

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connections
from django_q.cluster import Cluster
from django_q.conf import Conf

from mlapi.child_process import folder
from mlapi.jobs import maintenance
from mlapi.worker import shutdown_requested
from registry import queue
from registry.actions import workers

log = structlog.get_logger(__name__)

_HEARTBEAT_EVERY_S = 15.0
_LOOK_EVERY_S = 2.0  # the schedules come round every 30 s only, and the policy's quiet is 5 s


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; `Q_CLUSTER_NAME` says which cluster."""

    help = "Run the jobs of one cluster: events, or with Q_CLUSTER_NAME=training the trainings."

    def handle(self, *args: object, **options: object) -> None:
        name = Conf.CLUSTER_NAME
        _prepare(name)
        connections.close_all()  # not to be shared with the processes that are forked now
        cluster = _StoppableCluster()
        cluster.start()
        heartbeat_at = -_HEARTBEAT_EVERY_S
        while cluster.sentinel.is_alive():
            close_old_connections()
            if time.monotonic() - heartbeat_at >= _HEARTBEAT_EVERY_S:
                heartbeat_at = time.monotonic()
                _log_errors(workers.record_heartbeat, name, socket.gethostname())
            if name == queue.EVENTS:
                _log_errors(maintenance.consider_waiting)
            cluster.sentinel.join(_LOOK_EVERY_S)


class _StoppableCluster(Cluster):
    """django-q waits for running jobs when it stops; this cluster requests their shutdown."""

    def sig_handler(self, signum: int, frame: object) -> None:
        shutdown_requested.set()
        super().sig_handler(signum, frame)


def _prepare(cluster: str) -> None:
    if cluster == queue.TRAINING:
        folder.sweep()
        return
    maintenance.ensure_schedules()
    maintenance.at_worker_start()


def _log_errors(step: Callable[..., object], *arguments: object) -> None:
    """Logs errors of the database: a short outage must not end the worker."""
    try:
        step(*arguments)
    except Error:
        log.exception("worker's own step failed", step=step.__name__)
