"""The artifact of a version: a zip of a JSON header and plain arrays. Nothing in it can run.

The header (`header.json`) has the format, the pipeline and what the model's `to_parts` returned.
That of a version of several parts has the same of each under `pipelines`, by `part_names`. In
place of an array, of bytes and of a long list of texts it has `{"$file": "<name>"}`, and
the zip has that file: `.npy` of numbers, `.bin`, or `.json`. All are stored, not compressed,
with sorted names and one fixed time, so equal contents give equal bytes.

No name of a class or a module is in it, so code can be renamed under it. The models' `to_parts` and
`from_parts` define the contents.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from mlapi.domain import Stored
from mlapi.pipelines.part_names import pipeline_of
from mlapi.pipelines.parts import ArtifactInvalid, Parts
from mlapi.pipelines.shared_arrays import placed
from registry.errors import EvalsError
from registry.verified import ARTIFACT_FORMAT as FORMAT

_HEADER = "header.json"
_FILE = "$file"
_FOLDER = "parts/"
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*\.(npy|bin|json)")
_MOST_FILES = 10_000
_MOST_HEADER = 16 * 2**20
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_NUMBERS = "biuf"  # dtype.kind: bool, int, unsigned, float
_PICKLE = b"\x80"  # with which every file of format 1 begins


class ArtifactFormatOld(EvalsError):
    """The artifact has format 1, a pickle, which is not opened outside of its conversion."""

    code = "artifact_format_old"


@dataclass(frozen=True)
class Texts:
    """A list of texts that is too long for the header, such as a vocabulary."""

    texts: list[str]


class Model(Protocol):
    """A trained model in memory: written as parts, read by `Pipeline.read_model`."""

    def to_parts(self) -> dict[str, Any]:
        """Numbers, texts, arrays and bytes by name, as `pack` takes them."""

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> Self:
        """The model with other names of labels, by control; what it has learned is shared."""


def pack(pipeline: str, parts: dict[str, Any]) -> bytes:
    """The artifact of a model's parts.

    Parts are dicts and lists of numbers, texts, None, arrays of numbers, bytes and Texts.
    """
    files: dict[str, bytes] = {}
    header = {"format": FORMAT, "pipeline": pipeline, **_described(parts, (), files)}
    return _zip(header, files)


def join(artifacts: Mapping[str, bytes]) -> bytes:
    """One artifact of those of several parts, by name; a single one stays as it is."""
    if len(artifacts) == 1:
        return next(iter(artifacts.values()))
    headers, files = {}, {}
    for name, content in artifacts.items():
        header, own = _opened(content, pipeline_of(name))
        del header["format"]
        prefix = f"{_FOLDER}{name}/"
        headers[name] = _moved(header, _FOLDER, prefix)
        files |= {_renamed(file, _FOLDER, prefix): data for file, data in own.items()}
    return _zip({"format": FORMAT, "pipelines": headers}, files)


def split(content: bytes) -> dict[str, bytes]:
    """By name the artifacts that were joined, byte for byte; one that was not by its pipeline.

    Raises as `unpack` does.
    """
    header, files = _opened(content)
    if "pipelines" not in header:
        return {str(header.get("pipeline")): content}
    parts = header["pipelines"]
    if (
        not parts
        or not isinstance(parts, dict)
        or not all(isinstance(part, dict) for part in parts.values())
    ):
        raise ArtifactInvalid("The artifact's pipelines are no parts.")
    found = {}
    for name, part in parts.items():
        prefix = f"{_FOLDER}{name}/"
        own = {file: files.pop(file) for file in list(files) if file.startswith(prefix)}
        described = {"format": FORMAT, **_moved(part, prefix, _FOLDER)}
        found[name] = _zip(
            described, {_renamed(file, prefix, _FOLDER): data for file, data in own.items()}
        )
    if files:
        raise ArtifactInvalid(f"The header does not name {min(files)}.")
    return found


def write(path: Path, pipeline: str, parts: dict[str, Any]) -> str:
    """Write the artifact atomically; its SHA-256."""
    return write_packed(path, pack(pipeline, parts))


def write_packed(path: Path, content: bytes) -> str:
    """Write a packed artifact atomically; its SHA-256."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    return hashlib.sha256(content).hexdigest()


def save(path: Path, pipeline: str, model: Model) -> Stored:
    """Write the model's artifact."""
    return Stored(path, write(path, pipeline, model.to_parts()))


def unpack(content: bytes, pipeline: str = "") -> Parts:
    """The parts that `pack` was given, with `pipeline`; each is checked when it is read.

    Raises ArtifactFormatOld for format 1, and ArtifactInvalid for what is no artifact, or
    none of this pipeline.
    """
    header, files = _opened(content, pipeline)
    values = _restored(header, files)
    if files:
        raise ArtifactInvalid(f"The header does not name {min(files)}.")
    return Parts(values)


def _opened(content: bytes, pipeline: str = "") -> tuple[dict[str, Any], dict[str, bytes]]:
    """The header as it is written, and the other files. Raises as `unpack` does."""
    if content.startswith(_PICKLE):
        raise ArtifactFormatOld("The artifact has format 1, which is not read any more.")
    files = _files(content)
    try:
        header = json.loads(files.pop(_HEADER))
    except (KeyError, ValueError, RecursionError):
        raise ArtifactInvalid("Not an artifact of a version.") from None
    if not isinstance(header, dict):
        raise ArtifactInvalid("Not an artifact of a version.")
    if header.get("format") != FORMAT:
        raise ArtifactInvalid(f"The artifact has format {header.get('format')!r}, not {FORMAT}.")
    if pipeline not in ("", header.get("pipeline")):
        raise ArtifactInvalid(f"Not an artifact of {pipeline}.")
    return header, files


def _zip(header: dict[str, Any], files: Mapping[str, bytes]) -> bytes:
    whole = {**files, _HEADER: _json(header)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(whole):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o600 << 16
            archive.writestr(entry, whole[name])
    return packed.getvalue()


def _moved(value: Any, old: str, new: str) -> Any:
    """The header's value with the names of its files under another folder."""
    if isinstance(value, list):
        return [_moved(v, old, new) for v in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get(_FILE), str):
        return {_FILE: _renamed(value[_FILE], old, new)}
    return {k: _moved(v, old, new) for k, v in value.items()}


def _renamed(name: str, old: str, new: str) -> str:
    return new + name.removeprefix(old)


def _described(value: Any, place: tuple[str, ...], files: dict[str, bytes]) -> Any:
    """The value as the header has it; what is a file of its own is added to `files`."""
    if isinstance(value, dict):
        for key in value:
            if not _KEY.fullmatch(key):
                raise ValueError(f"{key!r} is no name for a part.")
        return {k: _described(v, (*place, k), files) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_described(v, (*place, str(i)), files) for i, v in enumerate(value)]
    if isinstance(value, np.ndarray):
        name, files[name] = _file(place, "npy"), _npy(value)
    elif isinstance(value, bytes | bytearray):
        name, files[name] = _file(place, "bin"), bytes(value)
    elif isinstance(value, Texts):
        name, files[name] = _file(place, "json"), _json(value.texts)
    else:
        return value
    return {_FILE: name}


def _file(place: tuple[str, ...], ending: str) -> str:
    return f"{_FOLDER}{'/'.join(place)}.{ending}"


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True)
    return text.encode()


def _npy(array: np.ndarray) -> bytes:
    if array.dtype.kind not in _NUMBERS:
        raise ValueError(f"An artifact has no arrays of {array.dtype}.")
    written = io.BytesIO()
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(written, little, version=(1, 0), allow_pickle=False)
    return written.getvalue()


def _files(content: bytes) -> dict[str, bytes]:
    """Each file of the zip, which together are no larger than the zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check(entries, len(content))
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as e:
        raise ArtifactInvalid(f"Not an artifact of a version: {e}") from None


def _check(entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > _MOST_FILES or len({e.filename for e in entries}) < len(entries):
        raise ArtifactInvalid("The artifact has too many files, or two of one name.")
    for entry in entries:
        if not _NAME.fullmatch(entry.filename):
            raise ArtifactInvalid(f"The artifact has a file that it may not: {entry.filename!r}.")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise ArtifactInvalid(f"{entry.filename} is compressed or encrypted.")
        if entry.file_size != entry.compress_size:
            raise ArtifactInvalid(f"{entry.filename} is not as long as it says.")
        if entry.filename == _HEADER and entry.file_size > _MOST_HEADER:
            raise ArtifactInvalid("The artifact's header is too long.")
    if sum(entry.file_size for entry in entries) > size:
        raise ArtifactInvalid("The files of the artifact are larger than it is.")


def _restored(value: Any, files: dict[str, bytes]) -> Any:
    """The header's value with the files in their places; those are taken out of `files`."""
    if isinstance(value, list):
        return [_restored(v, files) for v in value]
    if not isinstance(value, dict):
        return value
    if _FILE not in value:
        return {k: _restored(v, files) for k, v in value.items()}
    name = value[_FILE]
    content = files.pop(name, None) if isinstance(name, str) else None
    if content is None:
        raise ArtifactInvalid(f"The artifact has no file {name!r}, or names it twice.")
    if name.endswith(".npy"):
        return _array(name, content)
    return content if name.endswith(".bin") else _texts(name, content)


def _array(name: str, content: bytes) -> np.ndarray:
    """The array of an `.npy` file of exactly its size. Never unpickles: it is of numbers."""
    source = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(source) != (1, 0):
            raise ValueError("another version of npy")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(source)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, OverflowError) as e:
        raise ArtifactInvalid(f"{name} is no array: {e}") from None
    if dtype.kind not in _NUMBERS or dtype.hasobject or dtype.fields or dtype.subdtype:
        raise ArtifactInvalid(f"{name} is an array of {dtype}, not of numbers.")
    n = 1
    for length in shape:
        n *= length
    if min(shape, default=0) < 0 or n * dtype.itemsize != len(content) - source.tell():
        raise ArtifactInvalid(f"{name} does not have the size that it says.")
    flat = np.frombuffer(content, dtype, offset=source.tell())
    # Not the bytes themselves, which are neither aligned nor writable.
    return placed(flat.reshape(shape, order="F" if fortran else "C"))


def _texts(name: str, content: bytes) -> list[str]:
    try:
        texts = json.loads(content)
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ArtifactInvalid(f"{name} is no list of texts.")
    return texts
