"""Files that a real Label Studio serves or signs, with the project's own token and no other."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlapi.domain import InputError
from mlapi.images.decoding import read_image
from mlapi.media.reader import FRESH_S, MediaReader
from registry.actions import project_settings
from registry.actions import projects as actions
from tests.e2e.labelstudio_project import LSProject
from tests.mlapi.images.drawn import RED, file_of, quarters
from tests.mlapi.media.server import FileServer

IMAGES = (
    '<View><Image name="image" value="$image"/><Choices name="label" toName="image">'
    '<Choice value="A"/><Choice value="B"/></Choices></View>'
)
PNG = file_of(quarters(), "PNG")


@pytest.fixture(autouse=True)
def bare_settings(settings, tmp_path) -> None:
    """No host allowed, no credentials but the project's own, an empty cache."""
    settings.DATA_DIR = tmp_path / "data"
    settings.MEDIA_ALLOWED_HOSTS = []
    settings.LABEL_STUDIO_URL = settings.LABEL_STUDIO_API_KEY = ""
    settings.LABEL_STUDIO_HOSTS = []


@pytest.fixture
def reader(registry_project) -> Iterator[MediaReader]:
    with MediaReader(registry_project) as opened:
        yield opened


def upload(project: LSProject, name: str, content: bytes = PNG) -> str:
    """Import a file; its address in the task that this made."""
    files = {"file": (name, content, "image/png")}
    project.api("POST", f"/api/projects/{project.id}/import", files=files)
    return project.tasks()[-1]["data"]["image"]


@pytest.fixture
def images(ls_project) -> LSProject:
    """The project in Label Studio, with a label config of images."""
    ls_project.change(label_config=IMAGES)
    return ls_project


@pytest.fixture
def local_file(images) -> Callable[[str, bytes], tuple[Path, str]]:
    """`local_file(name, content)`: a file in a local storage of the project, and its address."""
    folder = images.server.files / f"project-{images.id}"
    folder.mkdir()
    storage = {"project": images.id, "path": str(folder), "use_blob_urls": True}
    pk = images.api("POST", "/api/storages/localfiles", json={**storage, "regex_filter": ".*"})

    def put(name: str, content: bytes) -> tuple[Path, str]:
        (folder / name).write_bytes(content)
        images.api("POST", f"/api/storages/localfiles/{pk['id']}/sync", json={})
        return folder / name, images.tasks()[-1]["data"]["image"]

    return put


def code(reader: MediaReader, address: str) -> str:
    with pytest.raises(InputError) as raised:
        reader.fetch(address)
    message = raised.value.message
    assert message.isascii() and "\n" not in message and "?" not in message
    return raised.value.code


@pytest.mark.parametrize("name", ["a.png", "my image é 100% #1?&x.png", "..a..png", "名.png"])
def test_an_upload_is_read_with_the_projects_token(images, reader, name):
    address = upload(images, name)
    fetched = reader.fetch(address)
    assert fetched.path.read_bytes() == PNG
    assert read_image(fetched.path, 40)[5, 5].tolist() == list(RED)
    assert reader.fetch(address) == fetched
    assert (reader.read, reader.cached) == (1, 1)


def test_a_whole_url_of_this_label_studio_is_the_same_file(images, registry_project, settings):
    address = upload(images, "a.png")
    registry_project.hostname = (
        images.server.hostname
    )  # localhost, where the credentials say 127.0.0.1
    with MediaReader(registry_project) as reader:
        first = reader.fetch(address)
        assert reader.fetch(images.server.url + address) == first
        assert reader.fetch(images.server.hostname + address) == first
        assert (reader.read, reader.cached) == (1, 2)
        assert code(reader, f"{images.server.url}/api/projects/") == "media_address_refused"
        assert code(reader, f"http://localhost:1{address}") == "media_address_refused"


def test_a_personal_access_token_reads_files_too(images, registry_project, labelstudio):
    token = labelstudio.personal_access_token()
    project_settings.set_credentials(registry_project, labelstudio.url, token, actor="test")
    address = upload(images, "a.png")
    with MediaReader(registry_project) as reader:
        assert reader.fetch(address).path.read_bytes() == PNG


def test_an_upload_that_is_gone_and_one_of_another_shape_have_a_reason(images, reader):
    assert code(reader, f"/data/upload/{images.id}/0a1b2c3d-gone.png") == "media_not_found"
    assert code(reader, "/data/upload/../avatars/a.png") == "media_address_refused"
    assert code(reader, "/data/upload/%2e%2e/%2e%2e/etc/passwd") == "media_address_refused"
    assert code(reader, f"/data/upload/{images.id}/0a1b2c3d-a%5Cgone%00.png") == "media_not_found"
    assert code(reader, "/storage-data/uploaded/?filepath=avatars/1.png") == "media_address_refused"
    assert code(reader, "/storage-data/uploaded/?filepath=upload/1/x.png") == "media_forbidden"
    assert code(reader, "/api/current-user/token") == "media_address_refused"


def test_a_local_file_is_read_and_read_again_when_it_changed(local_file, reader, monkeypatch):
    path, address = local_file("a b%20c#é.png", PNG)
    assert address.startswith("/data/local-files/?d=")
    assert reader.fetch(address).path.read_bytes() == PNG
    path.write_bytes(PNG + b"changed")
    os.utime(path, ns=(1, 1))
    assert reader.fetch(address).path.read_bytes() == PNG  # it is believed for an hour
    real = time.time
    monkeypatch.setattr("mlapi.media.reader.time", lambda: real() + FRESH_S + 1)
    assert reader.fetch(address).path.read_bytes() == PNG + b"changed"
    monkeypatch.setattr("mlapi.media.reader.time", lambda: real() + 2 * FRESH_S + 2)
    assert reader.fetch(address).path.read_bytes() == PNG + b"changed"
    assert (reader.read, reader.cached) == (2, 2)  # the last time it had not changed


def test_no_local_file_is_read_from_outside_of_its_storage(local_file, reader, labelstudio):
    path, address = local_file("a.png", PNG)
    (labelstudio.files / "private.png").write_bytes(PNG)
    assert code(reader, "/data/local-files/?d=private.png") == "media_not_found"
    assert code(reader, f"{address}.gone") == "media_not_found"
    for inner in ("../private.png", "%2e%2e/private.png", "a/..%2f..%2fprivate.png", "a%00"):
        with pytest.raises(InputError):  # Label Studio's own check
            reader.fetch(f"/data/local-files/?d={inner}")
    assert code(reader, "/data/local-files/?d=") == "media_address_refused"
    assert reader.read == 0


@pytest.mark.parametrize("written", ["dir%5Codd.png", "./x/.././dir%5Codd.png"])
def test_a_local_file_is_read_however_its_path_is_written(local_file, reader, labelstudio, written):
    """Backslashes, which Label Studio writes on Windows, are part of a file's name here."""
    path, _ = local_file("dir\\odd.png", PNG)
    (path.parent / "x").mkdir()
    folder = path.parent.relative_to(labelstudio.files)
    assert reader.fetch(f"/data/local-files/?d={folder}/{written}").size == len(PNG)


def test_without_credentials_nothing_is_requested(images, db):
    address = upload(images, "a.png")
    stranger = actions.get_or_create(f"{images.id}.1234567890")
    with MediaReader(stranger) as reader:
        found = dict(reader.fetch_each([address, "s3://bucket/a.png", f"{address}?x=1"]))
        assert {problem.code for problem in found.values()} == {"media_no_credentials"}
        assert reader.read == 0


def test_a_token_that_is_wrong_or_opens_another_project_is_refused(
    images, registry_project, db, labelstudio
):
    address = upload(images, "a.png")
    project_settings.set_credentials(registry_project, labelstudio.url, "0" * 40, actor="test")
    with MediaReader(registry_project) as reader:
        assert code(reader, address) == "media_forbidden"
        assert code(reader, address) == "media_forbidden"
    other = actions.get_or_create(f"{images.id}.1234567890")  # the same id, made at another time
    project_settings.set_credentials(other, labelstudio.url, labelstudio.token, actor="test")
    with MediaReader(other) as reader:
        assert code(reader, address) == "media_forbidden"


def test_one_projects_files_are_not_served_to_another_from_the_cache(images, reader, db):
    address = upload(images, "a.png")
    reader.fetch(address)
    with MediaReader(actions.get_or_create("99999.1234567890")) as stranger:
        assert code(stranger, address) == "media_no_credentials"


# What lies in a cloud


@pytest.fixture
def store() -> Iterator[FileServer]:
    """A store that speaks as much of S3 as Label Studio asks of it."""
    with FileServer() as server:
        server.files["/bucket/a b.png"] = server.files["/bucket/a%20b.png"] = PNG
        yield server


def add_storage(project: LSProject, store: FileServer, *, presign: bool) -> None:
    project.api(
        "POST",
        "/api/storages/s3",
        json={
            "project": project.id,
            "bucket": "bucket",
            "use_blob_urls": True,
            "presign": presign,
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "region_name": "us-east-1",
            "s3_endpoint": store.url("").rstrip("/"),
        },
    )


def test_a_signed_address_is_followed_without_the_token(images, registry_project, store, settings):
    add_storage(images, store, presign=True)
    settings.MEDIA_ALLOWED_HOSTS = [store.host]
    with MediaReader(registry_project) as reader:
        assert reader.fetch("s3://bucket/a b.png").path.read_bytes() == PNG
        assert code(reader, "s3://bucket/none.png") == "media_not_found"
        assert code(reader, "s3://other/a.png") == "media_not_found"
        assert code(reader, "gs://bucket/a.png") == "media_not_found"
    fetched = store.requests[0]
    assert fetched.path.startswith("/bucket/a%20b.png?")
    assert "Signature" in fetched.path
    assert "authorization" not in fetched.headers
    assert "cookie" not in fetched.headers


def test_a_signed_address_of_a_store_that_is_not_allowed_is_not_followed(images, reader, store):
    add_storage(images, store, presign=True)
    assert code(reader, "s3://bucket/a b.png") == "media_redirected"
    assert store.requests == []


def test_label_studio_passes_on_what_it_does_not_sign(images, reader, store):
    add_storage(images, store, presign=False)
    assert reader.fetch("s3://bucket/a b.png").path.read_bytes() == PNG
    task = images.import_tasks([{"data": {"image": "s3://bucket/a b.png"}}])[0]
    resolved = images.open_task(task)["data"]["image"]
    assert resolved.startswith(f"/tasks/{task}/")
    assert reader.fetch(resolved).path.read_bytes() == PNG
    assert (reader.read, reader.cached) == (1, 1)
