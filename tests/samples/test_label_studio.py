"""`make label-studio` where its port is taken."""

import socket

import pytest

from samples.label_studio import PortTaken, started


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path):
    (tmp_path / "sample").mkdir()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (tmp_path / "sample.port").write_text(str(port))
        with pytest.raises(PortTaken, match=f"Port {port} is taken"):
            started(tmp_path)
