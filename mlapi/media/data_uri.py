"""Images that stand in the task itself, as `data:` addresses."""

import base64
import binascii
import re

from mlapi.domain import InputProblem

MAX_BYTES = 4 * 2**20  # more than that has no place in a task, which is sent again and again

_DATA = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)


def is_inline(address: object) -> bool:
    """Whether it is a `data:` address, of whatever kind."""
    return isinstance(address, str) and address.lstrip()[:5].lower() == "data:"


def decode(address: str) -> bytes:
    """The image in a `data:image/...;base64,` address. Raises InputProblem for any other."""
    address = address.strip()
    head = _DATA.match(address)
    if head is None:
        raise InputProblem(
            "media_unsupported", "Of data: addresses, only images in base64 are read."
        )
    if len(address) - head.end() > MAX_BYTES * 4 // 3 + 4:
        raise InputProblem(
            "media_too_large", f"The data: address holds more than {MAX_BYTES // 2**20} MB."
        )
    try:
        content = base64.b64decode(address[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise InputProblem(
            "media_unsupported", "The base64 of the data: address is broken."
        ) from None
    if not content:
        raise InputProblem("media_empty", "The data: address holds nothing.")
    return content
