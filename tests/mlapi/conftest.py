"""Fixtures of the engine's tests."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from mlapi import model_cache
from mlapi.child_process import warm_process
from mlapi.child_process.supervise import child_environment
from mlapi.child_process.warm_process import WarmProcess


@pytest.fixture
def no_loaded_versions() -> Iterator[None]:
    """The process has loaded no version, before the test and after it."""
    model_cache.clear()
    yield
    model_cache.clear()


@pytest.fixture(scope="session")
def shared_warm_process() -> Iterator[WarmProcess]:
    """A training worker's warm process. All modules share it, because it takes seconds to start."""
    warm = WarmProcess("mlapi.training.warm_process", child_environment(), settings.BASE_DIR)
    yield warm
    warm.end()


@pytest.fixture(scope="module")
def forked_trainings(shared_warm_process: WarmProcess) -> Iterator[None]:
    """Trainings and their checks are forked, as a worker forks them."""
    assert shared_warm_process.is_running
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(warm_process._Own, "process", shared_warm_process)
        yield
