"""A server of files, and readers that may or may not fetch from it."""

from collections.abc import Callable, Iterator

import pytest

from mlapi.media.reader import MediaReader
from registry.models import Project
from tests.mlapi.media.server import FileServer

Reading = Callable[..., MediaReader]


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
