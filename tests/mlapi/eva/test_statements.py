"""Opening, writing and querying EvaDB."""

import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from mlapi.eva.execute import StatementFailed, execute, write_table
from mlapi.eva.names import UnsafeName, identifier
from mlapi.eva.open import open_eva

ODD_TEXTS = [
    'it\'s "both" kinds of quote',
    "a, b; DROP TABLE x; -- SELECT",
    "日本語 العربية हिन्दी 😀",
    "line one\nline two\ttab",
    "back\\slash \\' {brace} %s ${x} :name",
    "",
    None,
    "x" * 20_000,
]


def test_texts_come_back_equal_whatever_they_hold(eva, prefix):
    frame = pd.DataFrame({"id": range(len(ODD_TEXTS)), "text": ODD_TEXTS})

    write_table(eva, f"{prefix}_odd", frame, {"id": "integer", "text": "text"})
    found = execute(eva, f"SELECT id, text FROM {prefix}_odd")

    assert found["text"].tolist() == ODD_TEXTS
    assert list(found.columns) == ["id", "text"]


def test_numbers_and_their_absence_come_back(eva, prefix):
    frame = pd.DataFrame({"id": [1, 2, 3], "x": [0.5, np.nan, -2.25]})

    write_table(eva, f"{prefix}_numbers", frame, {"id": "integer", "x": "float"})
    found = execute(eva, f"SELECT id, x FROM {prefix}_numbers")

    assert found["x"].isna().tolist() == [False, True, False]
    assert found["x"].dropna().tolist() == [0.5, -2.25]


def test_vectors_and_their_absence_come_back(eva, prefix):
    vectors = [np.array([0.1, -2, np.nan], np.float32), None, np.zeros(0, np.float32)]
    frame = pd.DataFrame({"id": [1, 2, 3], "vector": vectors})

    write_table(eva, f"{prefix}_vectors", frame, {"id": "integer", "vector": "vector"})
    found = execute(eva, f"SELECT id, vector FROM {prefix}_vectors")["vector"].tolist()

    assert found[1] is None
    for one, other in ((found[0], vectors[0]), (found[2], vectors[2])):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def test_vectors_of_other_numbers_become_float32(eva, prefix):
    frame = pd.DataFrame({"id": [1, 2], "vector": [np.array([1, 2]), [0.5, 0.25]]})

    write_table(eva, f"{prefix}_doubles", frame, {"id": "integer", "vector": "vector"})
    found = execute(eva, f"SELECT vector FROM {prefix}_doubles")["vector"].tolist()

    assert [vector.dtype for vector in found] == [np.float32, np.float32]
    assert [vector.tolist() for vector in found] == [[1, 2], [0.5, 0.25]]


def test_images_come_back(eva, prefix):
    images = [np.arange(24, dtype=np.uint8).reshape(2, 4, 3), np.zeros((1, 1, 3), np.uint8)]
    frame = pd.DataFrame({"id": [1, 2], "image": images})

    write_table(eva, f"{prefix}_images", frame, {"id": "integer", "image": "image"})
    found = execute(eva, f"SELECT image FROM {prefix}_images")["image"].tolist()

    for one, other in zip(found, images, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_empty_table_can_be_made(eva, prefix):
    frame = pd.DataFrame({"id": [], "text": []})

    write_table(eva, f"{prefix}_none", frame, {"id": "integer", "text": "text"})

    assert eva.database.catalog().check_table_exists(f"{prefix}_none")


@pytest.mark.parametrize("value", [t for t in ODD_TEXTS if t])
def test_a_bound_value_is_compared_and_never_parsed(eva, prefix, value):
    frame = pd.DataFrame({"id": [1, 2], "text": [value, "other"]})
    write_table(eva, f"{prefix}_bound", frame, {"id": "integer", "text": "text"})

    found = execute(eva, f"SELECT id FROM {prefix}_bound WHERE text = ':value'", {"value": value})

    assert found["id"].tolist() == [1]


def test_a_binding_without_a_place_is_refused(eva, prefix):
    frame = pd.DataFrame({"id": [1]})
    write_table(eva, f"{prefix}_place", frame, {"id": "integer"})

    with pytest.raises(StatementFailed, match="no place for ':value'"):
        execute(eva, f"SELECT id FROM {prefix}_place", {"value": 1})


def test_each_statement_is_reported_as_it_ran(eva, log, prefix):
    write_table(eva, f"{prefix}_told", pd.DataFrame({"id": [1, 2]}), {"id": "integer"})
    execute(eva, f"SELECT id FROM {prefix}_told WHERE id = ':one'", {"one": 1})
    with pytest.raises(StatementFailed):
        execute(eva, f"SELECT nothing FROM {prefix}_told")

    assert [entry["sql"] for entry in log] == [
        f"CREATE TABLE {prefix}_told (id INTEGER)",
        f"SELECT id FROM {prefix}_told WHERE id = ':one'",
    ]
    assert [entry["rows"] for entry in log] == [1, 1]
    assert log[1]["bindings"] == {"one": 1}
    assert all(entry["seconds"] > 0 for entry in log)


def test_two_statements_at_once_are_refused(eva, prefix):
    with pytest.raises(StatementFailed):
        execute(eva, f"SHOW FUNCTIONS; DROP TABLE {prefix}_x")


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a b", "a;b", "a'b", "é", "x" * 64, "a\n"])
def test_only_plain_identifiers_reach_a_statement(eva, name):
    with pytest.raises(UnsafeName):
        identifier(name)
    with pytest.raises(UnsafeName):
        write_table(eva, name, pd.DataFrame({"id": [1]}), {"id": "integer"})


def test_everything_that_evadb_writes_lies_in_its_private_directory(tmp_path):
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()
    script = (
        "import sys, pandas as pd\n"
        "from pathlib import Path\n"
        "from mlapi.eva.open import open_eva\n"
        "from mlapi.eva.execute import write_table\n"
        "from mlapi.eva.execute import execute\n"
        "eva = open_eva(Path(sys.argv[1]))\n"
        "write_table(eva, 'home_test', pd.DataFrame({'id': [1]}), {'id': 'integer'})\n"
        "execute(eva, 'SELECT id FROM home_test')\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": os.getcwd()}

    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "eva")],
        check=True,
        cwd=work,
        env=environment,
    )

    assert list(home.iterdir()) == []
    assert list(work.iterdir()) == []
    assert stat.S_IMODE((tmp_path / "eva").stat().st_mode) == 0o700


def test_a_thread_keeps_one_catalog_and_shares_it_with_none(eva):
    here = eva.database.catalog()
    found = []
    thread = threading.Thread(target=lambda: found.append(eva.database.catalog()))
    thread.start()
    thread.join()

    assert eva.database.catalog() is here
    assert found[0] is not here


def test_a_directory_may_have_any_name(tmp_path, prefix):
    eva = open_eva(tmp_path / 'it\'s a "dir" é')

    write_table(eva, f"{prefix}_dir", pd.DataFrame({"id": [7]}), {"id": "integer"})

    assert execute(eva, f"SELECT id FROM {prefix}_dir")["id"].tolist() == [7]
