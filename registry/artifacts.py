"""The artifact store: files are put once, and verified by SHA-256 whenever they are read."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages

from registry.errors import EvalsError
from registry.models import ConvertedArtifact, ModelVersion
from registry.verified import ArtifactCorrupt, ArtifactMissing, read_verified, sha256_of, verify

_CHUNK = 1024 * 1024


class ArtifactExists(EvalsError):
    """Another file has this key; nothing is ever overwritten."""

    code = "artifact_exists"


def key(project_id: int, label: str) -> str:
    """The key of a version's artifact, such as `project-12/v7-3fa2c1.artifact`."""
    return f"project-{project_id}/{label}.artifact"


def converted_key(version: ModelVersion, artifact_format: int, sha256: str) -> str:
    """The key of a version's artifact in a later format, beside the one it was made in.

    It contains the beginning of its own hash, so that a file left by an interrupted attempt does
    not collide with it.
    """
    own = version.artifact.removesuffix(".artifact")
    return f"{own}.format-{artifact_format}-{sha256[:6]}.artifact"


def put(path: Path, key: str) -> tuple[int, str]:
    """Store the file under the key; return its size in bytes and its SHA-256.

    Atomic. Storing the same content again changes nothing; other content under an existing key
    raises ArtifactExists.
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


def loaded_from(version: ModelVersion) -> tuple[str, str]:
    """Key and SHA-256 of the file that the version is loaded from: the converted one, if any."""
    converted = ConvertedArtifact.objects.filter(version=version.pk).first()
    if converted is not None:
        return converted.artifact, converted.sha256
    return version.artifact, version.artifact_sha256


def read(version: ModelVersion) -> bytes:
    """`read_file` for the file that the version is loaded from."""
    return read_file(*loaded_from(version))


def read_file(key: str, sha256: str) -> bytes:
    """The content stored under the key, verified while it is read; without a hash, as it is.

    The file is opened once: the bytes that were hashed are returned. Raises ArtifactMissing
    or ArtifactCorrupt.
    """
    store = _store()
    if not sha256:
        return _content(store, key)
    local = _local_path(store, key)
    if local is not None:
        return read_verified(local, sha256, key)
    cached = _cached(sha256)
    try:
        return read_verified(cached, sha256, key)
    except (ArtifactMissing, ArtifactCorrupt):
        return _download(store, key, cached, sha256)


def fetch(version: ModelVersion) -> Path:
    """`fetch_file` for the file that the version is loaded from."""
    return fetch_file(*loaded_from(version))


def fetch_file(key: str, sha256: str) -> Path:
    """A local file with the content stored under the key, whose SHA-256 has just been verified.

    A file can be replaced, so its reader needs the hash, too, and verifies what it reads. With a
    local store it is the stored file itself, else a copy under `DATA_DIR/cache/artifacts`. Raises
    ArtifactMissing or ArtifactCorrupt.
    """
    store = _store()
    local = _local_path(store, key)
    if local is not None:
        if not local.is_file():
            raise ArtifactMissing(f"The artifact {key} is not in the store.")
        return _verified(local, key, sha256)
    cached = _cached(sha256)
    if not cached.is_file() or sha256_of(cached) != sha256:
        _download(store, key, cached, sha256)
    return cached


def open_original(version: ModelVersion) -> IO[bytes]:
    """The version's original file, open for reading: for a download.

    Verified through the returned handle, so that a file that replaces it is not read. Raises
    ArtifactMissing or ArtifactCorrupt.
    """
    key, sha256 = version.artifact, version.artifact_sha256
    file = fetch_file(key, sha256).open("rb")
    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
        file.close()
        raise ArtifactCorrupt(f"The artifact {key} is not the file that was put there.")
    file.seek(0)
    return file


def _cached(sha256: str) -> Path:
    return settings.DATA_DIR / "cache" / "artifacts" / sha256


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


def _download(store: Storage, key: str, target: Path, sha256: str) -> bytes:
    """Download, verify, write beside the target, then rename: no process reads a partial file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    content = verify(_content(store, key), sha256, key)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".fetch-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as copy:
            copy.write(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return content


def _content(store: Storage, key: str) -> bytes:
    if not store.exists(key):
        raise ArtifactMissing(f"The artifact {key} is not in the store.")
    with store.open(key) as file:
        return bytes(file.read())
