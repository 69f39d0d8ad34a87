"""The servers as pytest fixtures; import those that a test package needs into its conftest."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.e2e import labelstudio_server
from tests.e2e.labelstudio_server import LabelStudioServer
from tests.e2e.server import Backend

# Label Studio's own validation of predictions, which is off by default: with it more is proven.
STRICT = {"fflag_feat_utc_210_prediction_validation_15082025": "true"}


@pytest.fixture(scope="session")
def labelstudio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """A real Label Studio that validates predictions, one for the session.

    Skips where none is installed.
    """
    if reason := labelstudio_server.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("label-studio") / "data"
    server = labelstudio_server.new_server(folder, extra_env=STRICT)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Our whole server with default settings, one for the session.

    Only its challengers take 5 s instead of half a minute: others wait for the cores meanwhile.
    """
    server = Backend(tmp_path_factory.mktemp("backend") / "data", TRAIN_TIME_BUDGET_S="10").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def admin_token(backend: Backend) -> str:
    """The token of the backend's admin, who has one."""
    return backend.manage("drf_create_token", "admin").stdout.split()[2]


@pytest.fixture(scope="session")
def rest(backend: Backend, admin_token: str) -> Iterator[httpx.Client]:
    """The backend's own REST, as its admin."""
    headers = {"Authorization": f"Token {admin_token}"}
    with httpx.Client(base_url=f"{backend.url}/api/", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def start_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Backend]]:
    """`start_backend(BASIC_AUTH_USER="u", ...)`: a server of the test's own, stopped after it."""
    started: list[Backend] = []

    def start(**env: str) -> Backend:
        server = Backend(tmp_path_factory.mktemp("backend") / "data", **env)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()
