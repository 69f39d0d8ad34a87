"""Artifacts: whole or not at all, never overwritten, verified before use; local and remote."""

import os

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.core.files.storage import FileSystemStorage

from registry import artifacts
from registry.actions import registration
from registry.artifacts import ArtifactCorrupt, ArtifactExists, ArtifactMissing
from tests.factories import ModelVersionFactory
from tests.registry.threads import run_concurrently

KEY = "project-1/v1-3fa2c1.artifact"


class RemoteStorage(FileSystemStorage):
    """A store on files that, like S3, gives no path."""

    def path(self, name):
        raise NotImplementedError("this store is elsewhere")

    def _file(self, name):
        return FileSystemStorage.path(self, name)

    def _open(self, name, mode="rb"):
        return File(open(self._file(name), mode))

    def _save(self, name, content):
        os.makedirs(os.path.dirname(self._file(name)), exist_ok=True)
        with open(self._file(name), "xb") as file:
            file.writelines(content.chunks())
        return name

    def exists(self, name):
        return os.path.exists(self._file(name))

    def delete(self, name):
        os.unlink(self._file(name))


@pytest.fixture(params=["local", "remote"])
def store(request, settings, tmp_path):
    """The folder behind the store."""
    backend = {
        "local": "django.core.files.storage.FileSystemStorage",
        "remote": "tests.registry.test_artifacts.RemoteStorage",
    }[request.param]
    settings.STORAGES = settings.STORAGES | {
        "artifacts": {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path / "store")}}
    }
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "store"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "artifact.bin"
    path.write_bytes(b"weights")
    return path


def test_a_stored_artifact_is_read_back(store, file):
    size, sha256 = artifacts.put(file, KEY)
    assert size == 7
    assert artifacts.fetch_file(KEY, sha256).read_bytes() == b"weights"
    assert file.exists()


def test_putting_the_same_again_changes_nothing(store, file):
    assert artifacts.put(file, KEY) == artifacts.put(file, KEY)


def test_nothing_is_overwritten(store, file):
    _, sha256 = artifacts.put(file, KEY)
    file.write_bytes(b"others")
    with pytest.raises(ArtifactExists):
        artifacts.put(file, KEY)
    assert artifacts.fetch_file(KEY, sha256).read_bytes() == b"weights"
    assert [p.name for p in (store / "project-1").iterdir()] == ["v1-3fa2c1.artifact"]


def test_a_missing_artifact_is_named(store):
    with pytest.raises(ArtifactMissing, match=KEY):
        artifacts.fetch_file(KEY, "0" * 64)


def test_a_changed_artifact_is_never_handed_out(store, file):
    _, sha256 = artifacts.put(file, KEY)
    (store / KEY).chmod(0o600)
    (store / KEY).write_bytes(b"weighty")
    with pytest.raises(ArtifactCorrupt):
        artifacts.fetch_file(KEY, sha256)


def test_a_key_cannot_leave_the_store(store, file):
    with pytest.raises((SuspiciousOperation, ValueError)):
        artifacts.put(file, "../outside")


def test_content_in_memory_is_put(store):
    _, sha256 = artifacts.put_bytes("project-1/run-1.jsonl", b"{}\n")
    assert artifacts.fetch_file("project-1/run-1.jsonl", sha256).read_bytes() == b"{}\n"


@pytest.mark.parametrize("store", ["local"], indirect=True)
def test_a_local_artifact_is_read_in_place_and_by_its_owner_only(store, file):
    _, sha256 = artifacts.put(file, KEY)
    assert artifacts.fetch_file(KEY, sha256) == store / KEY
    assert (store / KEY).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("store", ["local"], indirect=True)
@pytest.mark.django_db(transaction=True)
def test_of_two_contents_put_at_once_one_wins_whole(store, tmp_path):
    def put(i):
        path = tmp_path / f"{i}.bin"
        path.write_bytes(bytes([i]) * 1_000_000)
        return artifacts.put(path, KEY)

    results = run_concurrently(8, put)
    winners = [r for r in results if not isinstance(r, Exception)]
    assert len(winners) == 1
    assert artifacts.fetch_file(KEY, winners[0][1]).stat().st_size == 1_000_000


@pytest.mark.parametrize("store", ["remote"], indirect=True)
def test_a_remote_artifact_is_fetched_once_and_verified_each_time(store, file):
    _, sha256 = artifacts.put(file, KEY)
    cached = artifacts.fetch_file(KEY, sha256)
    (store / KEY).unlink()
    assert artifacts.fetch_file(KEY, sha256) == cached
    cached.write_bytes(b"rotten")
    with pytest.raises(ArtifactMissing):
        artifacts.fetch_file(KEY, sha256)


@pytest.mark.parametrize("store", ["remote"], indirect=True)
def test_a_cached_copy_that_rotted_is_fetched_again(store, file):
    _, sha256 = artifacts.put(file, KEY)
    cached = artifacts.fetch_file(KEY, sha256)
    cached.write_bytes(b"rotten")
    assert artifacts.fetch_file(KEY, sha256).read_bytes() == b"weights"
    assert [p.name for p in cached.parent.iterdir()] == [sha256]


@pytest.mark.django_db
def test_the_artifact_is_read_only_as_it_was_hashed(monkeypatch):
    """A file that is swapped after it was opened is not read, as it is not opened again."""
    version = ModelVersionFactory(content=b"weights")
    path = artifacts.fetch(version)
    real = type(path).read_bytes
    opened = []

    def read_and_swap(self):
        content = real(self)
        opened.append(self)
        self.chmod(0o600)
        self.write_bytes(b"swapped")
        return content

    monkeypatch.setattr(type(path), "read_bytes", read_and_swap)
    assert artifacts.read(version) == b"weights"
    assert opened == [path]
    with pytest.raises(artifacts.ArtifactCorrupt):
        artifacts.read(version)


@pytest.mark.django_db
def test_a_converted_version_is_read_from_what_it_became_and_downloaded_as_it_was():
    version = ModelVersionFactory(content=b"weights", artifact_format=1)
    assert artifacts.read(version) == b"weights"
    registration.add_converted(version, b"the same weights")
    assert artifacts.read(version) == b"the same weights"
    assert artifacts.fetch(version).read_bytes() == b"the same weights"
    with artifacts.open_original(version) as file:
        assert file.read() == b"weights"
    second = registration.add_converted(version, b"others")
    assert second.sha256 == artifacts.loaded_from(version)[1]
