"""What a server answers when it is asked for a file, and writing that down within bounds."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import httpx

from mlapi.domain import InputProblem
from mlapi.media.deadline import Deadline

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
# Sent with every request. A file is stored as it is sent, so nothing is ever unpacked.
HEADERS = {"User-Agent": "evals-backend", "Accept": "*/*", "Accept-Encoding": "identity"}

_CODES = {401: "media_forbidden", 403: "media_forbidden", 404: "media_not_found"}
_CODES |= {410: "media_not_found"}


@dataclass
class Response:
    """A response whose body has not been read; `who` names its server in our own words."""

    who: str
    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]


def save(
    response: Response, file: IO[bytes], max_bytes: int, deadline: Deadline
) -> tuple[str, int]:
    """Write the body to `file`; its SHA-256 and size. Raises InputProblem, and what reading does.

    Nothing is written beyond `max_bytes`.
    """
    _require_a_file(response, max_bytes)
    digest, size = hashlib.sha256(), 0
    for chunk in response.chunks:
        size += len(chunk)
        if size > max_bytes:
            raise too_large(max_bytes)
        digest.update(chunk)
        file.write(chunk)
        deadline.left()
    deadline.left()  # a connection that was cut may look like the end of the body
    if not size:
        raise InputProblem("media_empty", f"{response.who} answers with an empty file.")
    return digest.hexdigest(), size


def too_large(max_bytes: int) -> InputProblem:
    """Why a file beyond the limit is not read."""
    return InputProblem(
        "media_too_large", f"The file is larger than {max_bytes / 2**20:g} MB (MEDIA_MAX_MB)."
    )


def _require_a_file(response: Response, max_bytes: int) -> None:
    if response.status != 200:
        code = _CODES.get(response.status, "media_unreachable")
        raise InputProblem(code, f"{response.who} answers {response.status} for this file.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise InputProblem("media_unsupported", f"{response.who} sends the file compressed.")
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large(max_bytes)
