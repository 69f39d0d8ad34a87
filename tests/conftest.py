"""What all tests share: the servers of the end-to-end tests, skips that say why, and patience."""

import importlib.util
import shutil

import pytest
from hypothesis import HealthCheck, settings

from tests.e2e.fixtures import backend, labelstudio, start_backend

VISION = ("torch", "transformers")

__all__ = ["backend", "labelstudio", "start_backend"]

# Two cores, and perhaps other tests on them: how long an example takes says nothing.
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a real Label Studio carries the mark, so that `-m` can leave it out."""
    for item in items:
        if "labelstudio" in getattr(item, "fixturenames", ()):
            item.add_marker("labelstudio")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser, or the vision extra, where there is none."""
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    if item.get_closest_marker("vision") and not all(map(importlib.util.find_spec, VISION)):
        pytest.skip("needs torch and transformers: make test-vision")
