"""Migrated rows: none is lost, and each stored name has become today's."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry

from . import names, restore

pytestmark = pytest.mark.django_db


def test_every_table_of_the_dump_is_looked_at(before):
    assert set(before.rows) == set(names.TABLES) | names.COMPARED_OTHERWISE


def renamed(value: Any, keys: dict[str, str], values: dict[str, str]) -> Any:
    """The JSON value with its texts and its objects' keys renamed."""
    if isinstance(value, dict):
        return {keys.get(key, key): renamed(inner, keys, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, keys, values) for inner in value]
    return values.get(value, value) if isinstance(value, str) else value


def expected(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row of the dump under today's names."""
    found = {}
    for column, value in row.items():
        at = table, column
        value = renamed(value, names.KEYS.get(at, {}), names.VALUES.get(at, {}))
        if name := names.COLUMNS.get((table, column), column):
            found[name] = value
    return found


def key(row: dict[str, Any]) -> Any:
    return row.get("id", row.get("key", row.get("session_key")))


@pytest.mark.parametrize("table", names.TABLES)
def test_every_row_is_there_with_all_its_values(before, table):
    today = {key(row): row for row in restore.rows(names.TABLES[table])}
    old = [expected(table, row) for row in before.rows[table]]
    assert old
    assert len(today) == len(old) + names.ADDED_ROWS.get(table, 0)
    for row in old:
        if table == "django_admin_log":
            row = row | {"content_type_id": today[key(row)]["content_type_id"]}
        row = row | names.CHANGED_ROWS.get((table, key(row)), {})
        assert {name: today[key(row)].get(name) for name in row} == row


@pytest.mark.parametrize(
    ("model", "where", "attribute", "value"), names.ROWS_AFTER_MIGRATION, ids=lambda v: str(v)[:40]
)
def test_a_row_reads_as_it_was_written(model, where, attribute, value):
    row = apps.get_model(model).objects.get(**where)
    assert getattr(row, attribute) == value


def test_the_admins_log_names_the_same_models(before):
    old = {row["id"]: before.content_types[row["content_type_id"]]
           for row in before.rows["django_admin_log"]}  # fmt: skip
    for entry in LogEntry.objects.select_related("content_type"):
        model = names.MODELS.get(old[entry.pk], old[entry.pk])
        assert entry.content_type.model_class()._meta.label_lower == model
        assert entry.get_edited_object() is not None
