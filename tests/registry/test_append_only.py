"""Writes that the database itself refuses."""

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.db.utils import IntegrityError

from registry.actions import registration
from registry.models import AuditEntry
from tests import factories as make

pytestmark = pytest.mark.django_db


def sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE registry_auditentry SET reason = 'another'", "DELETE FROM registry_auditentry"],
)
def test_an_audit_entry_is_neither_changed_nor_deleted(statement):
    make.ModelVersionFactory(champion=True)
    with pytest.raises(IntegrityError, match="append-only"):
        sql(statement)


def test_an_audit_entry_is_not_changed_through_the_model_either():
    make.ModelVersionFactory(champion=True)
    entry = AuditEntry.objects.first()
    entry.reason = "another"
    with pytest.raises(IntegrityError):
        entry.save()


def test_rows_that_an_audit_entry_refers_to_are_not_deleted():
    version = make.ModelVersionFactory(champion=True)
    with pytest.raises(ProtectedError):
        version.project.delete()


@pytest.mark.parametrize(
    ("state", "other"),
    [
        ("queued", "succeeded"),
        ("running", "queued"),
        ("succeeded", "running"),
        ("failed", "queued"),
        ("cancelled", "running"),
    ],
)
def test_a_run_never_goes_back(state, other):
    make.TrainingRunFactory(state=state)
    with pytest.raises(IntegrityError, match="cannot go"):
        sql(f"UPDATE registry_trainingrun SET state = '{other}'")


def test_two_active_runs_of_a_project_are_refused():
    run = make.TrainingRunFactory()
    make.TrainingRunFactory(state="running")
    with pytest.raises(IntegrityError, match="run_one_active_per_kind"):
        sql(f"UPDATE registry_trainingrun SET project_id = {run.project_id}")


def test_a_converted_artifact_is_neither_changed_nor_deleted():
    version = make.ModelVersionFactory(artifact_format=1)
    registration.add_converted(version, b"the same model")
    for statement in (
        "UPDATE registry_convertedartifact SET sha256 = ''",
        "DELETE FROM registry_convertedartifact",
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            sql(statement)


def test_the_format_of_a_versions_artifact_never_changes():
    make.ModelVersionFactory(artifact_format=1)
    with pytest.raises(IntegrityError, match="immutable"):
        sql("UPDATE registry_modelversion SET artifact_format = 2")
