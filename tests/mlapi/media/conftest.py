"""A server of files, a Label Studio there, and readers that may or may not fetch from it."""

import json
from collections.abc import Callable, Iterator

import pytest

from mlapi.media.reader import MediaReader
from registry.models import Project
from tests.mlapi.media.files import TOKEN
from tests.mlapi.media.server import FileServer

Reading = Callable[..., MediaReader]
INFO = {"id": 3, "created_at": "2026-11-23T07:20:47Z", "label_config": "<View/>", "title": "x"}
INFO |= {"task_number": 1, "total_annotations_number": 0, "skipped_annotations_number": 0}


@pytest.fixture(autouse=True)
def bare_settings(settings, tmp_path) -> None:
    """No host allowed, no credentials, an empty cache."""
    settings.DATA_DIR = tmp_path / "data"
    settings.MEDIA_ALLOWED_HOSTS = []
    settings.LABEL_STUDIO_URL = settings.LABEL_STUDIO_API_KEY = ""
    settings.LABEL_STUDIO_HOSTS = []


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server on the loopback."""
    with FileServer() as opened:
        yield opened


@pytest.fixture
def project() -> Project:
    """A project without credentials; nothing here needs a row of it."""
    return Project(pk=7, uid="3.1795420847", hostname="http://labels.example.com")


@pytest.fixture
def reading(settings, server, project) -> Iterator[Reading]:
    """`reading()`: a reader that may fetch from `server`; or from `allowed` hosts only."""
    opened: list[MediaReader] = []

    def read(*allowed: str, of: Project = project, **kwargs) -> MediaReader:
        settings.MEDIA_ALLOWED_HOSTS = list(allowed) or [server.host]
        opened.append(MediaReader(of, **kwargs))
        return opened[-1]

    yield read
    for reader in opened:
        reader.close()


@pytest.fixture(params=["", "/label-studio"])
def base(request, server) -> str:
    """The path below which Label Studio is."""
    server.files[f"{request.param}/api/projects/3/"] = json.dumps(INFO).encode()
    return request.param


@pytest.fixture
def connected(server, base) -> Project:
    """A project with credentials for `server`, which calls itself by another name."""
    return Project(
        pk=7,
        uid="3.1795418447",
        hostname=f"https://labels.example.com{base}",
        labelstudio_url=server.url(base),
        labelstudio_key=TOKEN,
    )
