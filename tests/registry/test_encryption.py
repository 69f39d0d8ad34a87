"""Secrets at rest."""

import pytest
from django.db import connection

from registry.actions import project_settings
from registry.models import Project
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    project = make.ProjectFactory(setup_token="setup-token")
    project_settings.set_credentials(project, "http://ls", "the-key", actor="ada")
    return project


def raw_rows(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table} t")
        return " ".join(row[0] for row in cursor.fetchall())


def test_no_token_is_readable_in_the_database(project):
    rows = raw_rows("registry_project") + raw_rows("registry_auditentry")
    assert "setup-token" not in rows
    assert "the-key" not in rows


def test_a_token_reads_back_as_it_was(project):
    stored = Project.objects.get()
    assert (stored.setup_token, stored.labelstudio_key) == ("setup-token", "the-key")


def test_after_a_rotation_old_values_read_and_new_ones_are_written_with_the_new_key(
    project, settings
):
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["a new key", *old]
    stored = Project.objects.get()
    assert stored.labelstudio_key == "the-key"
    project_settings.set_credentials(stored, "http://ls", "the-key", actor="ada")
    settings.ENCRYPTION_KEYS = ["a new key"]
    stored = Project.objects.get()
    assert stored.labelstudio_key == "the-key"
    assert stored.setup_token == ""  # still under the old key, which is gone


def test_a_lost_key_costs_the_credential_and_not_the_project(project, settings):
    settings.ENCRYPTION_KEYS = ["another"]
    stored = Project.objects.get()
    assert stored.labelstudio_key == ""
    assert stored.title == project.title
