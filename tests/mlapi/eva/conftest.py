"""An EvaDB directory for each test, and names that no other test of the process has."""

import itertools

import pytest

from mlapi.eva.open import open_eva

_numbers = itertools.count(1)


@pytest.fixture
def prefix():
    """EvaDB's table metadata is global to the process, so each test has names of its own."""
    return f"eva_test_{next(_numbers)}"


@pytest.fixture
def log():
    return []


@pytest.fixture
def eva(tmp_path, log):
    return open_eva(tmp_path / "eva", log.append)
