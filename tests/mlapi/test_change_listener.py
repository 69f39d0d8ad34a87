"""The change listener's use of its connection."""

import os
import resource
import socket

import pytest

from mlapi.change_listener import SILENT_S, ChangeListener, fail_when_silent
from tests.waiting import eventually

_MOST_OF_SELECT = 1_024  # descriptors


@pytest.fixture
def many_descriptors():
    """Opens so many descriptors that the next one is more than `select` takes."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, 4 * _MOST_OF_SELECT), most))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(_MOST_OF_SELECT)]
    yield
    for descriptor in held:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.mark.django_db(transaction=True)
def test_it_listens_in_a_process_of_very_many_connections(many_descriptors):
    connected = []
    listener = ChangeListener(lambda subject: None, lambda: connected.append(True))
    listener.start()
    try:
        assert eventually(listener.is_current)
        assert not eventually(lambda: len(connected) > 1, within_s=2)
    finally:
        listener.stop()


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_after_any_error():
    errors = iter([RuntimeError("a defect")])

    def connect() -> None:
        for error in errors:
            raise error

    listener = ChangeListener(lambda subject: None, connect)
    listener.start()
    try:
        assert eventually(listener.is_current)
    finally:
        listener.stop()


def test_a_connection_over_tcp_fails_within_seconds_of_silence():
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as connection:
        fail_when_silent(connection)
        milliseconds = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert milliseconds == SILENT_S * 1000


def test_one_over_a_unix_socket_is_left_as_it_is_and_open():
    near, far = socket.socketpair()
    with near, far:
        fail_when_silent(near)
        near.sendall(b"x")
        assert far.recv(1) == b"x"
