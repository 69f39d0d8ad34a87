"""Requests that wait at the same moment, as one batch."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from mlapi.pipelines import batches as batching
from mlapi.pipelines.batches import ROWS_SHARED, Batches
from tests.mlapi.pipelines.texts import target_spec
from tests.waiting import eventually

SPECS = (target_spec(),)
SECONDS = 20


class Predictor:
    """Answers a row with itself; holds its first batch until `released`."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.threads: list[int] = []
        self.started, self.released = threading.Event(), threading.Event()
        self.fails_on: set[int] = set()
        self.answers = list

    def __call__(self, rows, specs):
        self.calls.append([row["n"] for row in rows])
        self.threads.append(threading.get_ident())
        if len(self.calls) == 1:
            self.started.set()
            assert self.released.wait(SECONDS)
        if failing := self.fails_on.intersection(self.calls[-1]):
            raise RuntimeError(str(min(failing)))
        return self.answers(rows)


@pytest.fixture
def predictor():
    return Predictor()


@pytest.fixture
def ask(predictor):
    """Requests rows in a thread of its own; a second request is queued once `ask` returns."""
    batches, requests = Batches(), []
    with ThreadPoolExecutor(20) as threads:

        def ask(*numbers: int, specs=SPECS) -> Future:
            before = len(batches._waiting)
            rows = [{"n": n} for n in numbers]
            requests.append(threads.submit(batches.predict, predictor, rows, specs))
            if len(requests) == 1:
                assert predictor.started.wait(SECONDS)
            elif len(rows) <= ROWS_SHARED:
                assert eventually(lambda: len(batches._waiting) == before + 1, SECONDS)
            return requests[-1]

        yield ask
        predictor.released.set()
    assert not batches._waiting
    assert not batches._is_predicting


def numbers(future: Future) -> list[int]:
    return [row["n"] for row in future.result(SECONDS)]


def test_waiting_requests_are_predicted_as_one_batch_and_each_gets_its_own_answers(predictor, ask):
    requests = [ask(1), ask(2, 3), ask(4), ask(5, 6, 7)]
    predictor.released.set()

    assert [numbers(one) for one in requests] == [[1], [2, 3], [4], [5, 6, 7]]
    assert predictor.calls == [[1], [2, 3, 4, 5, 6, 7]]


def test_one_request_alone_is_predicted_at_once_by_its_own_thread(predictor):
    predictor.released.set()

    for n in range(3):
        assert Batches().predict(predictor, [{"n": n}], SPECS) == [{"n": n}]

    assert set(predictor.threads) == {threading.get_ident()}


def test_no_thread_predicts_again_for_others(predictor, ask):
    first, second = ask(1), ask(2)
    predictor.released.set()
    assert (numbers(first), numbers(second)) == ([1], [2])

    assert len(set(predictor.threads)) == 2


def test_a_large_request_waits_for_none_and_none_waits_for_it(predictor, ask):
    many = list(range(100, 100 + ROWS_SHARED + 1))
    ask(1)

    assert numbers(ask(*many)) == many
    assert predictor.calls == [[1], many]


def test_a_batch_of_several_requests_is_bounded(predictor, ask, monkeypatch):
    monkeypatch.setattr(batching, "_ROWS_AT_ONCE", 4)
    requests = [ask(1), ask(2, 3), ask(4, 5, 6), ask(7), ask(8)]
    predictor.released.set()

    assert [numbers(one) for one in requests] == [[1], [2, 3], [4, 5, 6], [7], [8]]
    assert predictor.calls == [[1], [2, 3, 7, 8], [4, 5, 6]]


def test_requests_for_other_targets_are_other_batches(predictor, ask):
    others = (target_spec(field="body"),)
    requests = [ask(1), ask(2), ask(3, specs=others), ask(4), ask(5, specs=others)]
    predictor.released.set()

    assert [numbers(one) for one in requests] == [[1], [2], [3], [4], [5]]
    assert predictor.calls == [[1], [2, 4], [3, 5]]


def test_a_row_that_fails_fails_for_its_own_request_only(predictor, ask):
    predictor.fails_on = {4}
    requests = [ask(1), ask(2, 3), ask(4, 5), ask(6)]
    predictor.released.set()

    assert [numbers(one) for one in (requests[0], requests[1], requests[3])] == [[1], [2, 3], [6]]
    with pytest.raises(RuntimeError, match="4"):
        requests[2].result(SECONDS)
    assert predictor.calls[1] == [2, 3, 4, 5, 6]
    assert sorted(predictor.calls[2:]) == [[2, 3], [4, 5], [6]]


def test_a_request_alone_that_fails_is_predicted_once_and_the_next_one_goes_on(predictor, ask):
    predictor.fails_on = {1, 2}
    requests = [ask(1), ask(2)]
    predictor.released.set()

    for number, one in enumerate(requests, 1):
        with pytest.raises(RuntimeError, match=str(number)):
            one.result(SECONDS)
    assert predictor.calls == [[1], [2]]


def test_a_batch_with_too_few_answers_gives_none_to_anybody_else(predictor, ask):
    predictor.answers = lambda rows: rows[:1]
    requests = [ask(1), ask(2), ask(3)]
    predictor.released.set()

    assert [numbers(one) for one in requests] == [[1], [2], [3]]


def test_a_thread_that_is_ended_while_it_predicts_leaves_no_request_waiting(predictor, ask):
    class Ended(BaseException):
        pass

    def end(rows):
        if rows[0]["n"] == 2:
            raise Ended
        return list(rows)

    predictor.answers = end
    requests = [ask(1), ask(2), ask(3), ask(4)]
    predictor.released.set()

    with pytest.raises(Ended):
        requests[1].result(SECONDS)
    assert [numbers(requests[i]) for i in (0, 2, 3)] == [[1], [3], [4]]
