"""One worker of a django-q cluster in this process: takes its jobs one by one, and its heartbeat.

django-q's own cluster has a guard, a pusher and a monitor beside its workers, each a process, and
queues between them that a killed process leaves locked. Here django-q's worker dequeues and stores
by itself, one job at a time; whoever started this process starts it again when it ends.
"""

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.db import Error, connection
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.monitor import monitor
from django_q.scheduler import scheduler
from django_q.signing import BadSignature, SignedPackage
from django_q.worker import worker

from mlapi import free_memory
from mlapi.child_process import folder
from mlapi.child_process.supervise import start_warm_process
from mlapi.jobs import maintenance, schedules
from mlapi.jobs.on_demand import OnDemandCluster, Reserve
from mlapi.worker import shutdown_requested
from registry import queue, schema_state
from registry.actions import workers
from registry.models.worker import LIVE_WITHIN

log = structlog.get_logger(__name__)

_HEARTBEAT_EVERY_S = 15.0
_SCHEDULES_EVERY_S = 30.0
_REAP_EVERY_S = 2.0  # a run counts as lost after ten seconds
_LOOK_EVERY_S = 0.5  # the schedules come round every 30 s only, and the policy's quiet is 1 s
_AGAIN_IN_S = 1.0
_GIVE_BACK_EVERY_S = 10.0
_BUSY_AFTER_S = 0.5
_RESERVE_IDLE_S = 30.0
_OVERRUN_S = 10.0  # after the time limit, within which the job is to end by itself


def run(
    cluster: str,
    *,
    leads: bool = True,
    reserve: Reserve | None = None,
    is_of_reserve: bool = False,
    on_demand: OnDemandCluster | None = None,
) -> None:
    """Work until SIGTERM or SIGINT, in the main thread.

    One worker of a cluster leads: it prepares, looks after the schedules, and requests one of the
    reserve where jobs wait while it works. Those of the reserve end when idle. `on_demand` is
    another cluster that it leads, of which all workers are a reserve.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` ignores SIGHUP
            signal.signal(number, _on_signal)
    _configure(cluster)
    _log_errors(_refuse_newer_database)
    if cluster == queue.TRAINING:
        start_warm_process("mlapi.training.warm_process", fork=True)
    if leads:
        _log_errors(_prepare, cluster)
    if on_demand is not None:
        on_demand.prepare()
    timer = _Timer()
    # Not waited for at the end: it ends with the process.
    tended = (cluster, leads, timer, reserve, on_demand)
    threading.Thread(target=_tend, args=tended, name="tend", daemon=True).start()
    idle_at_most_s = _RESERVE_IDLE_S if is_of_reserve else math.inf
    worker(_Jobs(idle_at_most_s), _Results(), timer, Conf.TIMEOUT)
    if reserve is not None and is_of_reserve:
        reserve.take()  # what was requested while this one ran
    if leads and shutdown_requested.is_set():
        _log_errors(workers.record_end, cluster, socket.gethostname())
    if on_demand is not None:
        _log_errors(on_demand.record_end)


def _on_signal(_number: int, _frame: object) -> None:
    shutdown_requested.set()


def _refuse_newer_database() -> None:
    try:
        schema_state.require_not_newer()
    except schema_state.DatabaseNewer as error:
        log.critical("database_newer", reason=error.sentence)
        raise SystemExit(1) from None


def _stop_on_newer_database() -> None:
    """End this process, after its job, where a later release has migrated the database."""
    try:
        schema_state.require_not_newer()
    except schema_state.DatabaseNewer:
        os.kill(os.getpid(), signal.SIGTERM)


def _configure(cluster: str) -> None:
    """Make django-q work for the cluster: it reads its settings once, and a fork inherits them."""
    own = schedules.cluster_settings(cluster)
    Conf.CLUSTER_NAME = cluster
    Conf.TIMEOUT, Conf.RETRY = own["timeout"], own["retry"]


def _prepare(cluster: str) -> None:
    if cluster == queue.TRAINING:
        folder.sweep()
        return
    schedules.ensure_schedules()
    maintenance.at_worker_start()


class _Jobs:
    """What django-q's worker takes its jobs from: the queue's table."""

    def __init__(self, idle_at_most_s: float = math.inf) -> None:
        self._broker = get_broker()
        self._idle_at_most_s = idle_at_most_s
        self._idle_since = time.monotonic()
        self._is_lost = False
        self._has_worked = False
        self._gave_back_at = float("-inf")

    def get(self) -> dict[str, Any] | str:
        """The next job; STOP when this process is to end."""
        self._idle_since = time.monotonic()
        while not shutdown_requested.is_set() and not self._is_idle_for_too_long():
            try:
                found = self._broker.dequeue() or []  # it sleeps where there is none
            except Error as error:
                if not self._is_lost:  # one line for each loss
                    log.warning("queue_lost", error=str(error).strip())
                self._is_lost = True
                connection.close()
                time.sleep(_AGAIN_IN_S)
                continue
            self._is_lost = False
            for ack_id, payload in found:  # one: Conf.BULK
                if job := self._job(ack_id, payload):
                    self._has_worked = True
                    return job
            self._give_back_memory()
        return "STOP"

    def _is_idle_for_too_long(self) -> bool:
        return time.monotonic() - self._idle_since >= self._idle_at_most_s

    def _give_back_memory(self) -> None:
        """Once after jobs, when there is none."""
        now = time.monotonic()
        if self._has_worked and now - self._gave_back_at >= _GIVE_BACK_EVERY_S:
            self._has_worked, self._gave_back_at = False, now
            free_memory.give_back()

    def _job(self, ack_id: int, payload: str) -> dict[str, Any] | None:
        try:
            job = SignedPackage.loads(payload)
        except (TypeError, BadSignature):
            log.exception("job_unreadable", job=ack_id)
            self._broker.fail(ack_id)
            return None
        return job | {"cluster": Conf.CLUSTER_NAME, "ack_id": ack_id}


class _Results:
    """Where django-q's worker puts a job that has ended: stored at once."""

    def put(self, job: dict[str, Any]) -> None:
        """Store the result and take the job off the queue, as django-q's monitor does."""
        results = iter((job, "STOP"))
        _log_errors(lambda: monitor(_Queue(lambda: next(results)), get_broker()))


class _Queue:
    """A queue of which only `get` is used."""

    def __init__(self, get: Callable[[], Any]) -> None:
        self.get = get


class _Timer:
    """The seconds that the job has, as django-q's worker sets them; negative between jobs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = -1.0
        self._since = 0.0

    @property
    def value(self) -> float:
        """The job's seconds, as they were set."""
        return self._value

    @value.setter
    def value(self, seconds: float) -> None:
        self._since, self._value = time.monotonic(), seconds

    @contextmanager
    def get_lock(self) -> Iterator[None]:
        """Held while a result is stored."""
        with self._lock:
            yield

    def is_busy(self) -> bool:
        """Whether a job has been worked on for a while."""
        return self._value > 0 and time.monotonic() - self._since > _BUSY_AFTER_S

    def is_overrun(self) -> bool:
        """Whether the job did not end at its limit, such as in a call that no signal interrupts."""
        since, seconds = self._since, self._value
        return seconds > 0 and time.monotonic() - since > seconds + _OVERRUN_S


def _tend(
    cluster: str,
    leads: bool,
    timer: _Timer,
    reserve: Reserve | None,
    on_demand: OnDemandCluster | None,
) -> None:
    """In a thread: the heartbeat, the schedules, and the end of a job that does not end."""
    heartbeat_at = scheduled_at = reaped_at = float("-inf")
    leads_trainings = on_demand is not None or (leads and cluster == queue.TRAINING)
    # The others may have been started with this one, and send their first heartbeat after it.
    silent_at = time.monotonic() + LIVE_WITHIN.total_seconds()
    while True:
        now = time.monotonic()
        if timer.is_overrun():
            log.critical("job_overran", cluster=cluster)
            os.kill(os.getpid(), signal.SIGKILL)
        if now - heartbeat_at >= _HEARTBEAT_EVERY_S:
            heartbeat_at = now
            _log_errors(workers.record_heartbeat, cluster, socket.gethostname())
            if on_demand is not None:
                _log_errors(on_demand.record_heartbeat)
            _log_errors(_stop_on_newer_database)
        if leads and now - scheduled_at >= _SCHEDULES_EVERY_S:
            scheduled_at = now
            _log_errors(schedules.forget_future)
            _log_errors(scheduler)
        if leads and now >= silent_at:
            silent_at = now + _HEARTBEAT_EVERY_S
            _log_errors(workers.report_silent)
        if leads and reserve is not None and timer.is_busy():
            _log_errors(_request_where_jobs_wait, reserve)
        if leads_trainings and now - reaped_at >= _REAP_EVERY_S:
            reaped_at = now
            _log_errors(maintenance.reap)  # what was killed before us on this machine
        if leads and cluster == queue.EVENTS:
            _log_errors(maintenance.consider_waiting)
        if on_demand is not None:
            _log_errors(on_demand.request_worker)
        time.sleep(_LOOK_EVERY_S)


def _request_where_jobs_wait(reserve: Reserve) -> None:
    if get_broker().queue_size():
        reserve.request()


def _log_errors(step: Callable[..., object], *arguments: object) -> None:
    """Logs errors of the database: a short outage must not end the worker."""
    try:
        step(*arguments)
    except Error:
        log.exception("worker's own step failed", step=getattr(step, "__name__", str(step)))
        connection.close()
