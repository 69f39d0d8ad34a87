"""Fixtures of the tests that break something."""

from tests.evals_backend.conftest import new_data_dir
from tests.mlapi.conftest import no_loaded_versions
from tests.mlapi.protocol.conftest import key

__all__ = ["key", "new_data_dir", "no_loaded_versions"]
