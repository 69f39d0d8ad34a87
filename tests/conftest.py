"""What every test shares: nothing but the plugin in tests/environment.py, and skips that say why."""

import shutil

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser where there is none."""
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
