"""Puts artifacts into the store and fetches them back, verified by SHA-256 before use."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages

from registry.errors import EvalsError
from registry.models import ModelVersion

_CHUNK = 1024 * 1024


class ArtifactMissing(EvalsError):
    """The store does not have the file."""

    code = "artifact_missing"


class ArtifactCorrupt(EvalsError):
    """The file's SHA-256 is not the one that was recorded when it was put."""

    code = "artifact_corrupt"


class ArtifactExists(EvalsError):
    """Another file has this key; nothing is ever overwritten."""

    code = "artifact_exists"


def key(project_id: int, label: str) -> str:
    """The key of a version's artifact, such as `project-12/v7-3fa2c1.artifact`."""
    return f"project-{project_id}/{label}.artifact"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put(path: Path, key: str) -> tuple[int, str]:
    """Store the file under the key; return its size in bytes and its SHA-256.

    It appears whole or not at all. Putting the same content again changes nothing;
    other content under a key that is taken raises ArtifactExists.
    """
    size, sha256 = path.stat().st_size, sha256_of(path)
    store = _store()
    if store.exists(key):
        _require_same(store, key, sha256)
        return size, sha256
    local = _local_path(store, key)
    if local is None:
        _upload(store, path, key)
    else:
        _link_into_place(path, local, sha256)
    return size, sha256


def put_bytes(key: str, data: bytes) -> tuple[int, str]:
    """`put` for content in memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        path.write_bytes(data)
        return put(path, key)


def fetch(version_or_key: ModelVersion | str, sha256: str = "") -> Path:
    """A local file whose SHA-256 has just been verified.

    With a local store it is the file itself, else a copy under `DATA_DIR/cache/artifacts`.
    Raises ArtifactMissing or ArtifactCorrupt.
    """
    if isinstance(version_or_key, ModelVersion):
        wanted, sha256 = version_or_key.artifact, version_or_key.artifact_sha256
    else:
        wanted = version_or_key
    store = _store()
    local = _local_path(store, wanted)
    if local is not None:
        if not local.is_file():
            raise ArtifactMissing(f"The artifact {wanted} is not in the store.")
        return _verified(local, wanted, sha256)
    cached = settings.DATA_DIR / "cache" / "artifacts" / sha256
    if not cached.is_file() or sha256_of(cached) != sha256:
        _download(store, wanted, cached, sha256)
    return cached


@contextmanager
def opened(version: ModelVersion) -> Iterator[IO[bytes]]:
    """The verified artifact, open for reading: for a download."""
    with fetch(version).open("rb") as file:
        yield file


def _store() -> Storage:
    return storages["artifacts"]


def _local_path(store: Storage, key: str) -> Path | None:
    """Where a local store keeps the key; None for a remote store."""
    try:
        return Path(store.path(key))
    except NotImplementedError:
        return None


def _verified(path: Path, key: str, sha256: str) -> Path:
    if sha256_of(path) != sha256:
        raise ArtifactCorrupt(f"The artifact {key} is not the file that was put there.")
    return path


def _require_same(store: Storage, key: str, sha256: str) -> None:
    with store.open(key) as file:
        stored = hashlib.sha256()
        for chunk in file.chunks(_CHUNK):
            stored.update(chunk)
    if stored.hexdigest() != sha256:
        raise ArtifactExists(f"The store has another file under {key}.")


def _link_into_place(path: Path, target: Path, sha256: str) -> None:
    """Copy beside the target, then link: atomic and, unlike a rename, never overwriting."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".put-") as copy:
        with path.open("rb") as source:
            shutil.copyfileobj(source, copy, _CHUNK)
        copy.flush()
        os.fsync(copy.fileno())
        os.fchmod(copy.fileno(), 0o600)
        try:
            os.link(copy.name, target)
        except FileExistsError:
            if sha256_of(target) != sha256:
                raise ArtifactExists(f"The store has another file under {target.name}.") from None


def _upload(store: Storage, path: Path, key: str) -> None:
    with path.open("rb") as file:
        stored_as = store.save(key, File(file))
    if stored_as != key:  # a store that avoids overwriting picks another name
        store.delete(stored_as)
        raise ArtifactExists(f"The store has another file under {key}.")


def _download(store: Storage, key: str, target: Path, sha256: str) -> None:
    """Fetch beside the target, verify, then rename: no process ever sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not store.exists(key):
        raise ArtifactMissing(f"The artifact {key} is not in the store.")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".fetch-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as copy, store.open(key) as file:
            for chunk in file.chunks(_CHUNK):
                copy.write(chunk)
        _verified(part, key, sha256).replace(target)
    finally:
        part.unlink(missing_ok=True)
