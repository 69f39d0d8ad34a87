"""The migrated database: shared and rolled back after each test, or a copy that a test may change.

It lives beside the tests' own database on the same server, and is used by no test outside of this
folder.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings
from django_q.conf import Conf

from tests.fixtures.database import ARTIFACTS, SECRET_KEY

from . import restore
from .restore import DumpContents


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Path:
    """The artifact store of the installation."""
    return shutil.copytree(ARTIFACTS, tmp_path_factory.mktemp("upgrade") / "artifacts")


@contextmanager
def _installation(store: Path) -> Iterator[None]:
    """The secret and the store of the installation, in place of the tests' own."""
    artifacts = settings.STORAGES["artifacts"] | {"OPTIONS": {"location": str(store)}}
    changed = {
        "SECRET_KEY": SECRET_KEY,
        "ENCRYPTION_KEYS": [SECRET_KEY],
        "STORAGES": settings.STORAGES | {"artifacts": artifacts},
    }
    with override_settings(**changed), mock.patch.object(Conf, "SECRET_KEY", SECRET_KEY):
        yield


@pytest.fixture(scope="session")
def _migrated(store, django_db_setup, django_db_blocker) -> Iterator[tuple[str, DumpContents]]:
    """The name of the migrated database, and what was in the dump."""
    name = f"{connection.settings_dict['NAME']}_upgraded"
    with django_db_blocker.unblock():
        with _installation(store):
            before = restore.restore(name)
            with restore.database(name):
                restore.upgrade()
        yield name, before
        restore.server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def before(_migrated) -> DumpContents:
    return _migrated[1]


@pytest.fixture(scope="module", autouse=True)
def upgraded_database(_migrated, store, django_db_blocker) -> Iterator[None]:
    """A module's tests use the migrated database; those marked `django_db` are rolled back."""
    with django_db_blocker.unblock(), _installation(store), restore.database(_migrated[0]):
        yield


@pytest.fixture(scope="module")
def copied_database(upgraded_database, _migrated, django_db_blocker) -> Iterator[None]:
    """The module's tests share a copy of the migrated database, for what commits, as jobs do."""
    name = f"{_migrated[0]}_copy"
    restore.server(f"CREATE DATABASE {name} TEMPLATE {_migrated[0]}")
    with django_db_blocker.unblock(), restore.database(name):
        yield
    restore.server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def log_in():
    """A client in which the user of that name is logged in."""

    def client_of(name: str) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(username=name))
        return client

    return client_of
