"""Fixtures of the engine's tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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


@dataclass
class SharedWarmProcess:
    """A warm process, and what another one is started from where a test has ended it."""

    start: tuple[str, Mapping[str, str], Path]
    process: WarmProcess


@pytest.fixture(scope="session")
def shared_warm_process() -> Iterator[SharedWarmProcess]:
    """A training worker's warm process. All modules share it, because it takes seconds to start."""
    start = ("mlapi.training.warm_process", child_environment(), settings.BASE_DIR)
    shared = SharedWarmProcess(start, WarmProcess(*start))
    yield shared
    shared.process.end()


@contextmanager
def as_own(shared: SharedWarmProcess) -> Iterator[None]:
    """Makes it this process's warm process, which is started again if it has ended."""
    own = warm_process._Own
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(own, "start", shared.start)
        patched.setattr(own, "process", shared.process)
        yield
        shared.process = own.process


@pytest.fixture(scope="module")
def forked_trainings(shared_warm_process: SharedWarmProcess) -> Iterator[None]:
    """Trainings and their checks are forked, as a worker forks them."""
    with as_own(shared_warm_process):
        yield
