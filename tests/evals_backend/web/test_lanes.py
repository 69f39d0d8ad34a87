"""A lane's threads: each job once, none left behind, and no more threads than are needed."""

import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable

import pytest

from evals_backend.web import lanes
from evals_backend.web.connection import Connection
from evals_backend.web.lanes import Job, Lane, Limits
from evals_backend.web.messages import Head
from tests.waiting import PATIENCE_S, eventually

ADDRESS = ("127.0.0.1", 1)


@pytest.fixture
def job():
    """Makes jobs of one connection, with a body of their own."""
    client, other = socket.socketpair()
    head = Head(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ADDRESS)
    with client, other:
        connection = Connection(client, ADDRESS)
        yield lambda body=b"": Job(connection, head, body)


def submit(lane: Lane, it: Job) -> None:
    """Submit the job as soon as the lane takes it."""
    while not lane.submit(it):
        time.sleep(0)


def test_each_of_many_jobs_is_done_once_and_none_waits_beside_an_idle_thread(job):
    done: Counter[bytes] = Counter()
    lane = Lane("test", Limits(4, 8, PATIENCE_S), lambda it: done.update([it.body]))
    sent = 5_000
    for number in range(sent):  # as fast as they are taken, so that threads go idle all the time
        submit(lane, job(b"%d" % number))
    assert eventually(lambda: lane.is_idle)
    assert len(done) == sent
    assert set(done.values()) == {1}


def test_jobs_that_are_looked_through_for_old_ones_are_done_once(job):
    done: Counter[bytes] = Counter()
    lane = Lane("test", Limits(2, 8, PATIENCE_S), lambda it: done.update([it.body]))
    sent = 2_000
    for number in range(sent):
        submit(lane, job(b"%d" % number))
        assert lane.take_expired() == []
    assert eventually(lambda: lane.is_idle)
    assert len(done) == sent
    assert set(done.values()) == {1}


def test_one_after_the_other_they_have_one_thread_and_at_once_as_many_as_are_allowed(job):
    released = threading.Event()
    threads: list[str] = []

    def work(it: Job) -> None:
        threads.append(threading.current_thread().name)
        if it.body == b"slow":
            released.wait(PATIENCE_S)

    lane = Lane("test", Limits(3, 8, PATIENCE_S), work)
    for number in range(10):
        assert lane.submit(job())
        assert eventually(lambda: lane.is_idle and len(threads) == number + 1)  # noqa: B023
    assert set(threads) == {"test-1"}

    for _ in range(5):
        assert lane.submit(job(b"slow"))
    assert eventually(lambda: len(threads) == 13)
    assert not lane.is_idle
    released.set()
    assert eventually(lambda: lane.is_idle and len(threads) == 15)
    assert set(threads) == {"test-1", "test-2", "test-3"}


def test_an_expired_job_is_returned_and_not_run(job, monkeypatch):
    released, done = threading.Event(), []

    def work(it: Job) -> None:
        done.append(it.body)
        released.wait(PATIENCE_S)

    lane = Lane("test", Limits(1, 8, 0.0), work)
    lane.submit(job(b"first"))
    assert eventually(lambda: done == [b"first"])
    for body in (b"second", b"third"):
        lane.submit(job(body))
    assert [it.body for it in lane.take_expired()] == [b"second", b"third"]
    released.set()
    assert eventually(lambda: lane.is_idle)
    assert done == [b"first"]


class HookedQueue(deque):
    """A lane's queue that calls `hook` once, after a thread found it empty or before a job is put
    back.
    """

    hook: Callable[[], object] | None = None

    def _call(self) -> None:
        hook, self.hook = self.hook, None
        if hook is not None:
            hook()

    def popleft(self):
        try:
            return super().popleft()
        except IndexError:
            self._call()
            raise

    def appendleft(self, it) -> None:
        self._call()
        super().appendleft(it)


def test_a_job_that_comes_between_a_threads_look_and_its_rest_is_done(job):
    done: list[bytes] = []
    lane = Lane("test", Limits(1, 8, PATIENCE_S), lambda it: done.append(it.body))
    lane._waiting = HookedQueue()
    lane.submit(job(b"first"))
    assert eventually(lambda: lane.is_idle)
    lane._waiting.hook = lambda: lane.submit(job(b"third"))
    lane.submit(job(b"second"))
    assert eventually(lambda: done == [b"first", b"second", b"third"])
    assert eventually(lambda: lane.is_idle)


def test_a_job_that_is_put_back_while_the_thread_goes_to_rest_is_done(job, monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(lanes, "monotonic", lambda: now[0])
    released, done = threading.Event(), []

    def work(it: Job) -> None:
        done.append(it.body)
        if it.body == b"first":
            released.wait(PATIENCE_S)

    lane = Lane("test", Limits(1, 8, 10.0), work)
    lane.submit(job(b"first"))
    assert eventually(lambda: done == [b"first"])

    class ConcurrentlyPoppedQueue(HookedQueue):
        """A lane's queue whose old job the thread takes right after the front has read it."""

        def __getitem__(self, index):
            found = super().__getitem__(index)
            if found.body == b"old":
                done.append(deque.popleft(self).body)
            return found

    lane._waiting = ConcurrentlyPoppedQueue()
    lane.submit(job(b"old"))
    now[0] += 60
    lane.submit(job(b"young"))

    def rest() -> None:
        released.set()
        assert eventually(lambda: bool(lane._idle))

    lane._waiting.hook = rest
    assert lane.take_expired() == []
    assert eventually(lambda: done == [b"first", b"old", b"young"])
