"""The address of an image in a task's data, and what models read of the images at addresses."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from mlapi.domain import InputError, TargetSpec
from mlapi.images.features import ExtractorRef, InputSource, SizedImage
from mlapi.labelstudio.references import filled

if TYPE_CHECKING:
    import numpy as np

MAX_CHARACTERS = 8_000  # of an address; an image inside a data: URI may be larger
_MAX_DATA_URI = 6_000_000  # of an image of 4 MB, in base64
# Parameters that sign or authorise an address, and do not identify the image.
_CREDENTIALS = re.compile(
    r"(x-(amz|goog)-.*|awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id|"
    r"(access_?|auth_?)?token|api_?key|s(ig|v|p|r|e|t|ks|kt|ke|kv|koid|ktid))",
    re.IGNORECASE,
)


def read_address(task_data: Any, target: TargetSpec) -> str:
    """The address of the target's image.

    Raises InputError with one of the codes field_missing, null, not_an_address, empty.
    """
    value = filled(target.sources[0].value, task_data)
    if not isinstance(value, str):
        kind = type(value).__name__
        message = f"The field {target.field!r} holds {kind}, not the address of an image."
        raise InputError("not_an_address", message)
    address = value.strip()
    if not address:
        raise InputError("empty", f"The field {target.field!r} has no address.")
    most = _MAX_DATA_URI if address[:5].lower() == "data:" else MAX_CHARACTERS
    if len(address) > most:
        raise InputError("not_an_address", f"The field {target.field!r} is too long an address.")
    return address


def canonical(address: str) -> str:
    """The address without its credentials: the same image signed twice is the same input.

    Only such parts of the query are left out, because others may name the image
    (`/data/local-files/?d=...`). An image in a data: address is the same one with line breaks.
    """
    try:
        parts = urlsplit(address)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return address
    if parts.scheme == "data":
        head, comma, body = address.partition(",")
        return head + comma + "".join(unquote(body).split()) if "base64" in head else address
    if not parts.query:
        return address
    rest = [(name, value) for name, value in query if not _CREDENTIALS.fullmatch(name)]
    return urlunsplit(parts._replace(query=urlencode(rest), fragment=""))


NO_STORE = InputError("images_unreachable", "This process cannot read images.")


def read_vectors(
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    extractor: ExtractorRef,
    store: InputSource | None,
) -> "list[np.ndarray | InputError]":
    """The vector of each row's image, or why it has none; one look-up for all."""
    return _read(rows, spec, None if store is None else partial(store.vectors, extractor))


def read_pixels(
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    max_side: int,
    store: InputSource | None,
) -> "list[np.ndarray | InputError]":
    """Each row's image, no side longer than `max_side`, or why it has none; one call for all."""
    found = read_images(rows, spec, max_side, store)
    return [one.pixels if isinstance(one, SizedImage) else one for one in found]


def read_images(
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    max_side: int,
    store: InputSource | None,
) -> list[SizedImage | InputError]:
    """As `read_pixels`, with the size of each file's image."""
    return _read(rows, spec, None if store is None else partial(store.images, max_side))


def _read(
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    look_up: Callable[[list[str]], Sequence[Any]] | None,
) -> list[Any]:
    found: list[Any] = [_address(row, spec) for row in rows]
    named = [i for i, address in enumerate(found) if isinstance(address, str)]
    if look_up is None:
        return [NO_STORE if isinstance(one, str) else one for one in found]
    for i, image in zip(named, look_up([found[i] for i in named]), strict=True):
        found[i] = image
    return found


def _address(row: dict[str, Any], spec: TargetSpec) -> str | InputError:
    try:
        return read_address(row, spec)
    except InputError as error:
        return error
