"""Fixtures of the engine's tests."""

from collections.abc import Iterator

import pytest

from mlapi import model_cache


@pytest.fixture
def no_loaded_versions() -> Iterator[None]:
    """The process has loaded no version, before the test and after it."""
    model_cache.clear()
    yield
    model_cache.clear()
