"""Versions: archived, noted as failed to load, never changed or deleted otherwise."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.utils import IntegrityError

from registry import artifacts
from registry.actions import versions
from registry.actions.base import StateUnchanged
from registry.actions.versions import ChampionNotArchivable
from registry.models import ModelVersion
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_the_champion_cannot_be_archived():
    version = make.ModelVersionFactory(champion=True)
    with pytest.raises(ChampionNotArchivable):
        versions.archive(version, actor="ada", reason="r")


def test_a_version_is_archived_once_and_taken_out_once():
    version = make.ModelVersionFactory()
    versions.archive(version, actor="ada", reason="r")
    with pytest.raises(StateUnchanged):
        versions.archive(version, actor="ada", reason="r")
    versions.unarchive(version, actor="ada", reason="r")
    with pytest.raises(StateUnchanged):
        versions.unarchive(version, actor="ada", reason="r")


def test_a_failed_load_is_cleared_only_when_the_artifact_is_back():
    version = make.ModelVersionFactory()
    path = artifacts.fetch(version)
    content = path.read_bytes()
    path.write_bytes(b"rotten")
    versions.mark_load_failed(version, "corrupt")
    with pytest.raises(artifacts.ArtifactCorrupt):
        versions.clear_load_failure(version, actor="ada", reason="r")
    path.write_bytes(content)
    versions.clear_load_failure(version, actor="ada", reason="restored")
    version.refresh_from_db()
    assert version.load_failed_at is None


@pytest.mark.parametrize(
    "change",
    [
        "number = 99",
        "label = 'v1-000000'",
        "artifact = 'elsewhere'",
        "artifact_sha256 = '0'",
        "artifact_bytes = 1",
        "run_id = NULL",
        "pipeline = 'other'",
        "recipe = 'other'",
        "fingerprint = ''",
        "environment = '{}'",
        "extractor = 'other'",
        "primary_metric = 'other'",
        "primary_value = 0.9",
        "primary_n = 1",
        "primary_low = 0",
        "primary_high = 1",
        "primary_baseline = 0.1",
        "project_id = project_id + 1",
    ],
)
def test_the_database_refuses_to_change_what_identifies_a_version(change):
    make.ModelVersionFactory()
    with pytest.raises(IntegrityError, match="immutable"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE registry_modelversion SET {change}")


def test_versions_of_before_get_their_primary_values_from_their_metrics():
    migration = import_module("registry.migrations.0010_primary_values")
    grouped = [
        {"name": "primary", "value": 0.7, "n": 12},
        {"target": "label", "name": "baseline_adjusted_rand", "value": 0.0, "n": 12},
        {"target": "label", "name": "baseline_macro_f1", "value": 0.5, "n": 12},
    ]
    for more in ({}, {"metrics": []}, {"metrics": grouped, "primary_metric": "adjusted_rand"}):
        make.ModelVersionFactory(**more)
    fields = ("pk", "primary_value", "primary_n", "primary_baseline")
    registered = list(ModelVersion.objects.order_by("pk").values_list(*fields))
    empty = "UPDATE registry_modelversion SET primary_value = NULL, primary_n = 0, "
    with connection.cursor() as cursor:
        cursor.execute(migration.BEFORE)
        cursor.execute(f"{empty} primary_baseline = NULL")
        cursor.execute(migration.FILL)
        cursor.execute(migration.NOW)
    assert list(ModelVersion.objects.order_by("pk").values_list(*fields)) == registered
    assert registered[2][1:] == (0.7, 12, 0.0)
    with pytest.raises(IntegrityError, match="immutable"), connection.cursor() as cursor:
        cursor.execute("UPDATE registry_modelversion SET primary_value = 1")


def test_the_database_refuses_to_delete_a_version():
    make.ModelVersionFactory()
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_modelversion")
