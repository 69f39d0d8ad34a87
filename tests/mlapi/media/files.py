"""A file, the token of its Label Studio, and the errors of a reader that does not get it."""

import pytest

from mlapi.domain import InputError
from mlapi.media.reader import MediaReader

PNG = b"\x89PNG and so on"
TOKEN = "secret-token"


def problem(reader: MediaReader, address: str) -> InputError:
    """The error of reading the address: one line in ASCII, without queries and secrets."""
    with pytest.raises(InputError) as raised:
        reader.fetch(address)
    message = raised.value.message
    assert message.isascii() and "\n" not in message and len(message) < 400
    assert "?" not in message and "secret" not in message
    return raised.value


def code(reader: MediaReader, address: str) -> str:
    """The code of that error."""
    return problem(reader, address).code
