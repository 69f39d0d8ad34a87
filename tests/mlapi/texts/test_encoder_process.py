"""The encoder process: vectors for other processes, in turn, and what happens while it is away."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from mlapi.domain import TrainingFailed
from mlapi.texts import vectors
from mlapi.texts.encoder_process import messages, process
from mlapi.texts.encoder_process.client import EncoderClient, EncoderUnavailable
from mlapi.texts.encoders import loading
from mlapi.texts.refs import EncoderRef
from tests.evals_backend.running import ROOT, environment
from tests.waiting import eventually

REF = EncoderRef("/nowhere", "encoder:nowhere@0123456789ab/64")


@pytest.fixture
def pair():
    sender, receiver = messages.calls()
    with sender, receiver:
        yield sender, receiver


@pytest.fixture
def encoding(pair, monkeypatch):
    """Starts what runs in the encoder process, in a thread, and again whenever it has ended."""
    monkeypatch.setattr(vectors, "_caches", {})
    is_over = threading.Event()
    threads = []

    def supervise() -> None:
        while not is_over.is_set():
            process.run(pair[1], 2, idle_s=0.5)

    def start() -> None:
        threads.append(threading.Thread(target=supervise))
        threads[-1].start()

    yield start
    is_over.set()
    for thread in threads:
        thread.join()


@pytest.mark.encoder
def test_its_vectors_are_those_of_the_encoder_for_any_text_and_any_number(pair, encoding):
    ref = loading.reference("minilm", 64)
    texts = ["", "a cat", "\ud800", "猫", *(f"text {n} " * n for n in range(40))]
    encoding()

    found = EncoderClient(pair[0]).vectors(ref, texts)

    expected = loading.encoder_for(ref).encode(texts)
    assert np.stack(found) == pytest.approx(expected, abs=1e-5)


def test_a_failure_has_its_code_and_cure_in_the_process_that_calls(pair, encoding):
    encoding()

    with pytest.raises(TrainingFailed) as failed:
        EncoderClient(pair[0]).vectors(REF, ["a"])

    assert failed.value.code == "encoder_missing"
    assert "requirements-encoder.txt" in failed.value.hint


def test_it_ends_when_nothing_has_come_for_a_while_and_the_next_one_answers_what_waits(
    pair, encoding
):
    process.run(pair[1], 1, idle_s=0.01)
    answered = []

    def call() -> None:
        with suppress(TrainingFailed):
            EncoderClient(pair[0]).vectors(REF, ["a"])
        answered.append(True)

    caller = threading.Thread(target=call)
    caller.start()
    assert eventually(lambda: messages.call_waits(pair[1]))
    encoding()
    caller.join()
    assert answered == [True]


def test_without_an_answer_it_is_unavailable_and_nobody_waits_again_at_once(pair):
    client = EncoderClient(pair[0], within_s=0.05, pause_s=1_000)

    with pytest.raises(EncoderUnavailable):
        client.vectors(REF, ["a"])
    assert messages.call_waits(pair[1])
    drain(pair[1])
    with pytest.raises(EncoderUnavailable):
        client.vectors(REF, ["a"])
    assert not messages.call_waits(pair[1])  # it was not called


def test_a_request_whose_process_ended_is_sent_once_more(pair, encoding):
    def end_after_the_first() -> None:
        drain(pair[1])
        encoding()

    thread = threading.Thread(target=end_after_the_first)
    thread.start()
    with pytest.raises(TrainingFailed):  # the answer, not its absence
        EncoderClient(pair[0]).vectors(REF, ["a"])
    thread.join()


def test_a_request_that_kills_each_encoder_process_fails(pair):
    def end_each() -> None:
        for _ in range(2):
            drain(pair[1])

    thread = threading.Thread(target=end_each)
    thread.start()
    with pytest.raises(EncoderUnavailable) as failed:
        EncoderClient(pair[0]).vectors(REF, ["a"])
    thread.join()
    assert failed.value.status == 503


def test_small_requests_that_wait_for_one_encoder_are_encoded_together():
    waiting = process.Waiting()
    other = EncoderRef("/other", "encoder:other@0123456789ab/64")
    requests = [
        process.Request(ref, ["a text"] * number)
        for ref, number in [(REF, 1), (REF, 3), (REF, 12), (REF, 1), (other, 1), (REF, 16)]
    ]
    for request in requests:
        waiting.add(request)

    assert [waiting.take() for _ in range(4)] == [
        requests[:3], requests[3:4], requests[4:5], requests[5:],
    ]  # fmt: skip
    assert waiting.take(0.01) == []


_SERVER = """
import sys, time
from functools import partial
from pathlib import Path
from evals_backend import warm_parent
warm_parent.limit_threads()
import django
django.setup()
from evals_backend.stop_signals import StopSignals
from evals_backend.supervisor import Child, Supervisor
from mlapi.texts import vectors
from mlapi.texts.encoder_process import messages, process
from mlapi.texts.encoder_process.client import EncoderClient
from mlapi.texts.encoders.loading import reference

folder = Path(sys.argv[1])
signals = StopSignals()
warm_parent.import_code(web=False)
calls, receiver = messages.calls()

def call(number, _restarts):
    vectors.make_by(EncoderClient(calls, within_s=300).vectors)
    ref, count = reference("minilm", 64), 0
    while True:
        requested = int((folder / "requested").read_text() or 0)
        while count < requested:
            count += len(vectors.vectors_of(ref, [f"{number} {count}"]))
            (folder / f"count{number}").write_text(str(count))
        time.sleep(0.02)

is_needed = partial(messages.call_waits, receiver)
children = [Child("encoder", lambda _: process.run(receiver, 2), is_needed, is_needed)]
children += [Child(f"web{n}", lambda r, n=n: call(n, r)) for n in (1, 2)]
Supervisor(children, lambda: True, signals).run(lambda: None)
"""


@pytest.mark.encoder
def test_two_processes_have_one_session_which_is_started_restarted_and_ended(tmp_path):
    (tmp_path / "requested").write_text("0")
    started = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tmp_path)],
        cwd=ROOT,
        env=environment(
            tmp_path / "data",
            DJANGO_SETTINGS_MODULE="evals_backend.settings",
            SECRET_KEY="unused",
            DATABASE_URL="postgres:///unused",
        ),
    )
    server = psutil.Process(started.pid)
    try:
        assert eventually(lambda: len(children(server, "evals-web")) == 2)
        assert children(server, "evals-encoder") == []  # nobody has needed it

        request_vectors(tmp_path, 5)
        assert eventually(lambda: counts(tmp_path) == [5, 5], 300)
        (first,) = children(server, "evals-encoder")
        family = [server, *server.children(recursive=True)]
        assert [p for p in family if has_onnxruntime(p)] == [first]

        request_vectors(tmp_path, 100)
        assert eventually(lambda: min(counts(tmp_path)) > 5, 300)
        first.kill()  # in the middle of a request, for both never pause
        assert eventually(lambda: counts(tmp_path) == [100, 100], 300)
        assert [p.pid for p in children(server, "evals-encoder")] != [first.pid]

        for encoder in children(server, "evals-encoder"):
            encoder.kill()
        assert eventually(lambda: not children(server, "evals-encoder"))
        request_vectors(tmp_path, 101)
        assert eventually(lambda: counts(tmp_path) == [101, 101], 300)

        (stopped,) = children(server, "evals-encoder")
        stopped.suspend()  # it neither answers nor ends
        assert eventually(lambda: stopped.status() == psutil.STATUS_STOPPED)
        request_vectors(tmp_path, 102)
        assert eventually(lambda: counts(tmp_path) == [102, 102], 300)
        assert [p.pid for p in children(server, "evals-encoder")] != [stopped.pid]
        family = server.children(recursive=True)
    finally:
        os.kill(started.pid, signal.SIGTERM)
        started.wait(120)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def drain(receiver: socket.socket) -> None:
    """Take one call and end without an answer."""
    receiver.settimeout(60)
    _, descriptors, _, _ = socket.recv_fds(receiver, 1, 1)
    for descriptor in descriptors:
        with socket.socket(fileno=descriptor) as connection:
            connection.shutdown(socket.SHUT_RDWR)


def request_vectors(folder: Path, number: int) -> None:
    draft = folder / "draft"
    draft.write_text(str(number))
    draft.rename(folder / "requested")


def counts(folder: Path) -> list[int]:
    files = [folder / f"count{n}" for n in (1, 2)]
    return [int(file.read_text() or 0) if file.exists() else 0 for file in files]


def children(server: psutil.Process, name: str) -> list[psutil.Process]:
    found = []
    for child in server.children():
        with suppress(psutil.Error):
            if child.name().startswith(name) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def has_onnxruntime(process: psutil.Process) -> bool:
    return "onnxruntime" in Path(f"/proc/{process.pid}/maps").read_text()
