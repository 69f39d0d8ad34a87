"""A new directory is what EvaDB itself would make, without what other directories have."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import evadb.catalog.models.utils
import pandas as pd
import pytest
from evadb.catalog.catalog_utils import bootstrap_configs
from evadb.catalog.models.base_model import BaseModel
from evadb.catalog.sql_config import CATALOG_TABLES
from evadb.configuration.bootstrap_environment import bootstrap_environment
from evadb.configuration.constants import EvaDB_DATASET_DIR, EvaDB_INSTALLATION_DIR
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from mlapi.eva.execute import write_table
from mlapi.eva.open import open_eva


def rows(eva, query):
    with closing(sqlite3.connect(eva.database.catalog_uri.removeprefix("sqlite:///"))) as catalog:
        return catalog.execute(query).fetchall()


def schema(eva):
    return dict(rows(eva, "SELECT name, sql FROM sqlite_master"))


def configuration(eva):
    return dict(rows(eva, "SELECT key, value FROM configuration_catalog"))


def test_the_catalog_has_the_tables_that_evadb_makes_and_no_other(tmp_path, prefix):
    models = [
        model
        for model in BaseModel.__subclasses__()
        if model.__module__.startswith("evadb.catalog")
    ]
    assert {model.__tablename__ for model in models} <= set(CATALOG_TABLES) and len(models) > 10
    one = open_eva(tmp_path / "one")
    write_table(one, prefix, pd.DataFrame({"id": [1]}), {"id": "integer"})
    assert prefix in schema(one)

    path = tmp_path / "made by EvaDB.db"
    evadb.catalog.models.utils.init_db(create_engine(f"sqlite:///{path}"))
    with closing(sqlite3.connect(path)) as made:
        by_evadb = dict(made.execute("SELECT name, sql FROM sqlite_master").fetchall())
    tables = {name: sql for name, sql in by_evadb.items() if name in CATALOG_TABLES}
    other = schema(open_eva(tmp_path / "other"))
    assert {name: other[name] for name in tables} == tables
    assert prefix in by_evadb and prefix not in other


def test_the_configuration_is_what_evadb_writes_but_for_the_folder_of_datasets(tmp_path):
    eva = open_eva(tmp_path / "eva")
    settings = configuration(eva)
    directory = (tmp_path / "eva").resolve()
    bootstrap_configs(
        eva.database.catalog(), bootstrap_environment(directory, Path(EvaDB_INSTALLATION_DIR))
    )
    by_evadb = configuration(eva)
    assert by_evadb.pop("datasets_dir") == '""'
    assert settings.pop("datasets_dir") == f'"{directory / EvaDB_DATASET_DIR}"'
    assert settings == by_evadb and len(settings) > 10


def test_a_directory_that_is_opened_again_has_its_tables_and_its_values_once(tmp_path, prefix):
    eva = open_eva(tmp_path / "eva")
    write_table(eva, prefix, pd.DataFrame({"id": [1, 2]}), {"id": "integer"})
    before = schema(eva), configuration(eva)
    again = open_eva(tmp_path / "eva")
    assert (schema(again), configuration(again)) == before
    assert rows(again, f"SELECT COUNT(*) FROM {prefix}") == [(2,)]  # noqa: S608


def test_a_directory_that_something_else_has_locked_is_waited_for_briefly(tmp_path, monkeypatch):
    """EvaDB's own limit is longer than a test may take."""
    path = open_eva(tmp_path / "eva").database.catalog_uri.removeprefix("sqlite:///")
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "eva", copy)
    monkeypatch.setattr("mlapi.eva.open.LOCKED_FOR_S", 0.1)
    with closing(sqlite3.connect(copy / Path(path).name, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OperationalError, match="database is locked"):
            open_eva(copy)
