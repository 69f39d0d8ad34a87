"""The registry is tested behind an engine of its own."""

import pytest

from registry.engine import engine


@pytest.fixture(autouse=True)
def plain_engine(settings):
    settings.REGISTRY_ENGINE = "tests.registry.plain_engine.PlainEngine"
    engine.cache_clear()
    yield
    engine.cache_clear()
