"""Fixtures of the engine's tests."""

from collections.abc import Iterator

import pytest

from mlapi import model_cache
from mlapi.child_process import warm_process
from mlapi.child_process.supervise import start_warm_process


@pytest.fixture
def no_loaded_versions() -> Iterator[None]:
    """The process has loaded no version, before the test and after it."""
    model_cache.clear()
    yield
    model_cache.clear()


@pytest.fixture(scope="module")
def forked_trainings() -> Iterator[None]:
    """Trainings and their checks are forked, as a worker forks them."""
    start_warm_process("mlapi.training.warm_process")
    yield
    warm_process.stop()
