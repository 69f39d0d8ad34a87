"""Features of images that are given as bytes, as files of this machine or in data: addresses."""

import base64
import binascii
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np

from mlapi.domain import InputError, TargetSpec
from mlapi.images.decoding import read_sized
from mlapi.images.extractors.loading import extractor_for
from mlapi.images.features import ExtractorRef, InputSource, SizedImage
from mlapi.pipelines.predictor import Predictor

_BYTES = "bytes:"


class ImagePart:
    """A predictor on images, which a task has in its fields.

    `targets` are those that it fills, where they are other than learned.
    """

    def __init__(self, predictor: Predictor, targets: Sequence[TargetSpec] | None = None) -> None:
        self._predictor = predictor
        self.targets = predictor.targets if targets is None else tuple(targets)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        images = GivenImages()
        named = [images.named(row) for row in rows]
        return self._predictor.predict(named, self.targets, store=images)


class GivenImages(InputSource):
    """An InputSource of what tasks hold themselves. An address elsewhere is not downloaded."""

    def __init__(self) -> None:
        self._contents: list[bytes] = []

    def named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The task's data with an address in place of bytes."""
        return {name: self._address(value) for name, value in row.items()}

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> list[np.ndarray | InputError]:
        made = extractor_for(extractor)
        found: dict[str, np.ndarray | InputError] = {}
        for address in dict.fromkeys(addresses):
            try:
                image = self._read(address, made.max_side).pixels
                found[address] = made.features([image])[0]
            except InputError as error:
                found[address] = error
        return [found[address] for address in addresses]

    def images(self, max_side: int, addresses: Sequence[str]) -> list[SizedImage | InputError]:
        found: list[SizedImage | InputError] = []
        for address in addresses:
            try:
                found.append(self._read(address, max_side))
            except InputError as error:
                found.append(error)
        return found

    def cache_texts(self, encoder: Any, texts: Sequence[str]) -> None:
        """There are no stored vectors of texts."""

    def _address(self, value: Any) -> Any:
        if not isinstance(value, bytes | bytearray | memoryview):
            return value
        self._contents.append(bytes(value))
        return f"{_BYTES}{len(self._contents) - 1}"

    def _read(self, address: str, max_side: int) -> SizedImage:
        content = self._content(address)
        if content is None:
            return read_sized(Path(address), max_side)
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return read_sized(Path(file.name), max_side)

    def _content(self, address: str) -> bytes | None:
        """The image's file where the address holds it; None for a path. Raises InputError."""
        number = address.removeprefix(_BYTES)
        if address.startswith(_BYTES) and number.isdecimal() and int(number) < len(self._contents):
            return self._contents[int(number)]
        if address[:5].lower() == "data:":
            return _of_data_address(address)
        if "://" in address:
            message = "The image is elsewhere: give its bytes, or the path of a file."
            raise InputError("images_unreachable", message)
        return None


def _of_data_address(address: str) -> bytes:
    head, _, body = address.partition(",")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode("".join(body.split()))
    except binascii.Error:
        raise InputError("image_broken", "The image's data: address is broken.") from None
