"""The state of the database's migrations, without importing them."""

import subprocess
import sys

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from registry import schema_state
from tests.evals_backend.running import ROOT, environment


def test_own_migrations_are_those_of_djangos_loader():
    assert schema_state.own_migrations() == set(MigrationLoader(None).disk_migrations)


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_named():
    assert schema_state.unapplied() == []
    MigrationRecorder(connection).record_unapplied("registry", "0001_initial")
    assert schema_state.unapplied() == [("registry", "0001_initial")]


def test_no_migration_is_imported(tmp_path):
    """A worker of its own would hold 8 MB of them."""
    program = (
        "import django, sys; django.setup()\n"
        "from registry import schema_state\n"
        "assert schema_state.own_migrations()\n"
        "print([name for name in sys.modules if '.migrations.0' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(tmp_path, DJANGO_SETTINGS_MODULE="evals_backend.settings"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
