"""Picture files through EvaDB: three ways to them, whatever their folders are called."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest
from evadb.functions.ndarray.open import Open

from mlapi.domain import TrainingFailed
from mlapi.eva import functions, pictures
from mlapi.eva.execute import execute
from mlapi.eva.names import UnsafeName
from mlapi.eva.online import OnlineFunction
from mlapi.eva.open import open_eva
from mlapi.eva.open_picture import OpenPicture
from mlapi.eva.picture_features import PictureFeatures
from mlapi.eva.pictures import see
from mlapi.eva.tables import write_table
from mlapi.seeing.extractors import extractor
from tests.mlapi.seeing.pictures import tiles, write_pngs

WAYS = ["load", "open", "store"]
ODD_NAMES = [
    "plain",
    "two words",
    "br[1]",
    "[!a]*?",
    "it's",
    'a "dir"',
    "both ' and \"",
    "50 %20 %s",
    "ünï 日本 😀",
    "semi;colon, {brace} \\ $x :files",
    "~tilde",
    "**",
    "new\nline",
]


@pytest.fixture(scope="module")
def seen_directly():
    """Coloured tiles, and their vectors without EvaDB."""
    cut = tiles(64).pictures[::12]
    return cut, extractor("opencv").features(cut)


def statements(log) -> list[str]:
    return [entry["sql"].split()[0] for entry in log]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_the_vectors_of_the_pictures_colours_and_all(
    eva, log, prefix, tmp_path, seen_directly, way
):
    cut, expected = seen_directly
    paths = write_pngs(tmp_path / "png", cut)

    found = see(eva, prefix, paths, "opencv", way)

    assert list(found) == list(paths)
    np.testing.assert_array_equal(np.stack(list(found.values())), expected)
    assert found[0].dtype == np.float32
    assert {entry["sql"].split()[0] for entry in log} >= {"CREATE", "SELECT", "DROP"}
    assert ("LOAD" in statements(log)) == (way == "load")


def test_online_gives_the_same_vectors(seen_directly):
    cut, expected = seen_directly
    instance = PictureFeatures("opencv")
    online = OnlineFunction(instance, "picture_features", ["picture"], ["features"])

    found = online.evaluate(pd.DataFrame({"picture": cut}))["features"]

    np.testing.assert_array_equal(np.stack(found.tolist()), expected)


def test_online_has_no_vector_where_there_is_no_picture(seen_directly):
    cut, expected = seen_directly
    online = OnlineFunction(PictureFeatures(), "picture_features", ["picture"], ["features"])

    found = online.evaluate(pd.DataFrame({"picture": [None, cut[0], None]}))["features"]

    assert [value is None for value in found] == [True, False, True]
    np.testing.assert_array_equal(found[1], expected[0])


def test_the_builtin_open_turns_colours_round_and_ours_does_not(tmp_path, seen_directly):
    cut, _ = seen_directly
    frame = pd.DataFrame({0: [str(write_pngs(tmp_path, cut[:1])[0])]})

    np.testing.assert_array_equal(Open().forward(frame)["data"][0], cut[0][:, :, ::-1])
    np.testing.assert_array_equal(OpenPicture().forward(frame)["picture"][0], cut[0])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_evadbs_directory_may_have_any_name(tmp_path, prefix, seen_directly, name):
    cut, expected = seen_directly
    log = []
    eva = open_eva(tmp_path / name / "eva", log.append)
    for bait in ("br1", "plain2"):  # what the name would match if it were read as a pattern
        write_pngs(tmp_path / bait / "eva/pictures" / f"{prefix}_1", cut[5:6])

    found = see(eva, prefix, write_pngs(tmp_path / "png", cut[:3]), "opencv")

    np.testing.assert_array_equal(np.stack(list(found.values())), expected[:3])
    assert "LOAD" in statements(log)


@pytest.mark.parametrize("way", WAYS)
def test_the_folders_of_pictures_may_have_any_name(tmp_path, eva, prefix, seen_directly, way):
    cut, expected = seen_directly
    folders = {name: write_pngs(tmp_path / name, cut[:1]) for name in ODD_NAMES}
    paths = {i: folders[name][0] for i, name in enumerate(ODD_NAMES)}

    found = see(eva, prefix, paths, "opencv", way)

    assert list(found) == list(paths)
    for vector in found.values():
        np.testing.assert_array_equal(vector, expected[0])


def test_a_path_that_is_no_text_is_stored(tmp_path, eva, prefix, log, seen_directly):
    cut, expected = seen_directly
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    paths = write_pngs(folder, cut[:2])

    for way in (None, "store"):
        found = see(eva, f"{prefix}_{way}".lower(), paths, "opencv", way)
        np.testing.assert_array_equal(np.stack(list(found.values())), expected[:2])


def test_where_the_path_is_too_long_for_evadbs_link_it_is_opened(tmp_path, prefix, seen_directly):
    cut, expected = seen_directly
    log = []
    eva = open_eva(tmp_path / ("long " * 20) / ("longer " * 20), log.append)

    found = see(eva, prefix, write_pngs(tmp_path / "png", cut), "opencv")

    np.testing.assert_array_equal(np.stack(list(found.values())), expected)
    assert "LOAD" not in statements(log)


def test_a_path_of_just_the_length_is_loaded_and_one_more_is_not(tmp_path, prefix, seen_directly):
    cut, expected = seen_directly
    paths = write_pngs(tmp_path / "png", cut[:5])
    for more, loaded in ((0, True), (1, False)):
        table = f"{prefix}_{more}"
        rest = f"/pictures/{table}_1/0.png"
        log = []
        eva = open_eva(tmp_path / ("x" * (254 + more - len(f"{tmp_path}{rest}"))), log.append)

        found = see(eva, table, paths, "opencv")

        np.testing.assert_array_equal(np.stack(list(found.values())), expected[:5])
        assert ("LOAD" in statements(log)) == loaded


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_no_picture_costs_only_itself(eva, prefix, tmp_path, seen_directly, way):
    cut, expected = seen_directly
    paths = write_pngs(tmp_path / "png", cut[:6])
    paths[1].write_bytes(b"no picture")
    paths[2].write_bytes(b"")
    paths[3].unlink()
    paths[4].unlink()
    paths[4].mkdir()

    found = see(eva, prefix, paths, "opencv", way)

    assert list(found) == [0, 5]
    np.testing.assert_array_equal(np.stack(list(found.values())), expected[[0, 5]])


@pytest.mark.parametrize("way", WAYS)
def test_where_no_file_is_a_picture_nothing_is_seen(eva, prefix, tmp_path, way):
    paths = {1: tmp_path / "none.png", 2: tmp_path / "neither.png"}

    assert see(eva, prefix, paths, "opencv", way) == {}


@pytest.mark.parametrize("way", WAYS)
def test_no_pictures_are_no_vectors(eva, prefix, way):
    assert see(eva, prefix, {}, "opencv", way) == {}


def test_a_file_that_goes_away_meanwhile_costs_only_itself(
    eva, log, prefix, tmp_path, seen_directly
):
    """Between LOAD, which looks at each file, and SELECT, which opens it again."""
    cut, expected = seen_directly
    paths = write_pngs(tmp_path / "png", cut[:6])

    def remove(statement):
        if statement["sql"].startswith("LOAD"):
            paths[2].unlink()

    eva.on_statement = remove

    found = see(eva, prefix, paths, "opencv", "load")

    assert list(found) == [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(found[5], expected[5])


@pytest.mark.parametrize("way", WAYS)
def test_many_are_seen_in_batches_and_nothing_of_them_stays(
    eva, log, prefix, tmp_path, seen_directly, way, monkeypatch
):
    cut, expected = seen_directly
    monkeypatch.setattr(pictures, "BATCH", 4)
    numbered = write_pngs(tmp_path / "png", cut)
    paths = {1000 - 7 * i: path for i, path in numbered.items()}

    found = see(eva, prefix, paths, "opencv", way)

    assert list(found) == list(paths)
    np.testing.assert_array_equal(np.stack(list(found.values())), expected)
    assert statements(log).count("SELECT") == -(-len(cut) // 4)
    assert max(e["rows"] for e in log if e["sql"].startswith("SELECT")) == 4
    assert execute(eva, "SHOW TABLES").empty
    assert prefix not in execute(eva, "SHOW FUNCTIONS").to_string()
    left = [path for path in eva.directory.rglob("*") if path.is_symlink() or path.suffix == ".png"]
    assert left == []


@pytest.mark.parametrize("way", WAYS)
def test_no_process_is_started(eva, prefix, tmp_path, seen_directly, way):
    """EvaDB's own LOAD would fork one for each core, in a process that has threads."""
    cut, _ = seen_directly
    before = psutil.Process().children(recursive=True)
    forks = []
    os.register_at_fork(before=lambda: forks.append(way))
    count = 2 * os.cpu_count() + 1
    paths = write_pngs(tmp_path, [cut[i % len(cut)] for i in range(count)])

    see(eva, prefix, paths, "opencv", way)

    assert forks == []
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_a_load_writes_nothing_where_python_was_started(tmp_path, seen_directly):
    cut, _ = seen_directly
    write_pngs(tmp_path / "png", cut[:5])
    work = tmp_path / "work"
    work.mkdir()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mlapi.eva.open import open_eva\n"
        "from mlapi.eva.execute import execute\n"
        "eva = open_eva(Path(sys.argv[1]))\n"
        "execute(eva, \"LOAD IMAGE ':files' INTO kept\", {'files': sys.argv[2]})\n"
        "assert len(execute(eva, 'SELECT name FROM kept')) == 5\n"
    )

    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "eva"), str(tmp_path / "png/*.png")],
        check=True,
        cwd=work,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )

    assert list(work.iterdir()) == []


def test_features_that_cannot_be_used_are_told_before_any_statement(eva, log, prefix, tmp_path):
    with pytest.raises(TrainingFailed) as failed:
        see(eva, prefix, {1: tmp_path / "a.png"}, "sift")

    assert failed.value.code == "option_invalid"
    assert log == []


def test_a_table_is_named_by_an_identifier(eva, tmp_path):
    with pytest.raises(UnsafeName):
        see(eva, "Robert'); DROP", {1: tmp_path / "a.png"}, "opencv")


def test_functions_nest_in_a_statement(eva, prefix, tmp_path, seen_directly):
    """As a pipeline may write it, over a table of its own."""
    cut, expected = seen_directly
    paths = write_pngs(tmp_path, cut[:3])
    see_with, open_with = f"{prefix}_see", f"{prefix}_open"
    bindings = {"impl": functions.path(PictureFeatures), "features": "opencv"}
    execute(eva, f"CREATE FUNCTION {see_with} IMPL ':impl' FEATURES ':features'", bindings)
    execute(eva, f"CREATE FUNCTION {open_with} IMPL ':impl'", {"impl": functions.path(OpenPicture)})
    frame = pd.DataFrame({"id": list(paths), "path": [str(p) for p in paths.values()]})
    write_table(eva, f"{prefix}_paths", frame, {"id": "integer", "path": "text"})

    found = execute(eva, f"SELECT id, {see_with}({open_with}(path)) FROM {prefix}_paths")

    np.testing.assert_array_equal(np.stack(found["features"].tolist()), expected[:3])


def test_a_larger_picture_than_asked_for_is_seen_too(eva, prefix, tmp_path):
    large = np.kron(tiles(400).pictures[0], np.ones((4, 4, 1), np.uint8))
    paths = {7: tmp_path / "large.png"}
    cv2.imwrite(str(paths[7]), cv2.cvtColor(large, cv2.COLOR_RGB2BGR))

    found = see(eva, prefix, paths, "opencv")

    np.testing.assert_array_equal(found[7], extractor("opencv").features([large])[0])
