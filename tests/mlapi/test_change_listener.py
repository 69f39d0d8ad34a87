"""What the listener asks of its connection."""

import socket

from mlapi.change_listener import SILENT_S, fail_when_silent


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
