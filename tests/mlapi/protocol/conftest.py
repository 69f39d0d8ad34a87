"""Callers of the protocol, and a real version that serves."""

import pytest

from mlapi import model_cache
from tests.factories import AccessKeyFactory, ModelVersionFactory, ProjectFactory
from tests.mlapi.caller import Caller
from tests.mlapi.trained import artifact


@pytest.fixture
def key(db):
    """An access key for any project, just used, so that noting its use costs no query."""
    from registry.actions import keys

    made = AccessKeyFactory()
    keys.note_use(made)
    return made


@pytest.fixture
def call(key) -> Caller:
    """Calls routes with that key."""
    return Caller(f"/k/{key.plain}")


@pytest.fixture
def anonymous_caller() -> Caller:
    """Calls routes without any credentials."""
    return Caller()


@pytest.fixture
def project(db):
    """A project that text classification serves, without a model."""
    return ProjectFactory()


@pytest.fixture
def champion(project):
    """A version with a real artifact that serves the project."""
    model_cache.clear()
    yield ModelVersionFactory(project=project, champion=True, content=artifact())
    model_cache.clear()
