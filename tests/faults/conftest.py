"""Fixtures of the tests that break something."""

from tests.mlapi.conftest import no_loaded_versions

__all__ = ["no_loaded_versions"]
