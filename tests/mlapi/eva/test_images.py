"""Image files through EvaDB: loaded, or stored in a table where they cannot be loaded."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from mlapi.eva.execute import execute
from mlapi.eva.images import evaluate_images
from mlapi.eva.names import UnsafeName
from mlapi.eva.online import OnlineFunction
from mlapi.eva.open import Eva, open_eva
from mlapi.images.extractors.loading import extractor
from mlapi.images.function import ImageFeaturesFunction
from tests.mlapi.images.extractors.samples import tiles, write_pngs

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
def vectors_without_evadb():
    """Coloured tiles, and their vectors without EvaDB."""
    cut = tiles(64).images[::12]
    return cut, extractor("opencv").features(cut)


@pytest.fixture(params=["loaded", "stored"])
def folder(request, tmp_path) -> Path:
    """A folder that LOAD can read, or one whose path is too long for EvaDB's link to a file."""
    name = "png" if request.param == "loaded" else f"{'long ' * 20}/{'longer ' * 20}"
    (tmp_path / name).mkdir(parents=True)
    return tmp_path / name


def evaluate(eva: Eva, table: str, folder: Path) -> dict[str, np.ndarray]:
    return evaluate_images(eva, table, folder, ImageFeaturesFunction, {"features": "opencv"})


def names(numbers: Sequence[int]) -> list[str]:
    return [f"{number:04d}.png" for number in numbers]


def statements(log) -> list[str]:
    return [entry["sql"].split()[0] for entry in log]


def test_each_image_has_its_vector_colours_and_all(eva, log, prefix, folder, vectors_without_evadb):
    cut, expected = vectors_without_evadb
    write_pngs(folder, cut)

    found = evaluate(eva, prefix, folder)

    assert list(found) == names(range(len(cut)))
    np.testing.assert_array_equal(np.stack(list(found.values())), expected)
    assert found["0000.png"].dtype == np.float32
    assert ("LOAD" in statements(log)) == (folder.name == "png")
    assert statements(log).count("SELECT") == 1


def test_online_gives_the_same_vectors(vectors_without_evadb):
    cut, expected = vectors_without_evadb
    instance = ImageFeaturesFunction("opencv")
    online = OnlineFunction(instance, "image_features", ["image"], ["features"])

    (found,) = online.evaluate(cut)

    np.testing.assert_array_equal(np.stack(found), expected)


def test_online_has_no_vector_where_there_is_no_image(vectors_without_evadb):
    cut, expected = vectors_without_evadb
    online = OnlineFunction(ImageFeaturesFunction(), "image_features", ["image"], ["features"])

    (found,) = online.evaluate([None, cut[0], None])

    assert [value is None for value in found] == [True, False, True]
    np.testing.assert_array_equal(found[1], expected[0])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_folder_may_have_any_name(tmp_path, eva, log, prefix, vectors_without_evadb, name):
    cut, expected = vectors_without_evadb
    for bait in ("br1", "plain2"):  # what the name would match if it were read as a pattern
        write_pngs(tmp_path / bait, cut[5:6])
    write_pngs(tmp_path / name, cut[:3])

    found = evaluate(eva, prefix, tmp_path / name)

    np.testing.assert_array_equal(np.stack(list(found.values())), expected[:3])
    assert "LOAD" in statements(log)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_evadbs_directory_may_have_any_name(tmp_path, prefix, vectors_without_evadb, name):
    cut, expected = vectors_without_evadb
    eva = open_eva(tmp_path / name / "eva")
    write_pngs(tmp_path / "png", cut[:3])

    found = evaluate(eva, prefix, tmp_path / "png")

    np.testing.assert_array_equal(np.stack(list(found.values())), expected[:3])


def test_images_whose_path_is_no_text_are_stored(tmp_path, eva, log, prefix, vectors_without_evadb):
    cut, expected = vectors_without_evadb
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    write_pngs(folder, cut[:2])

    found = evaluate(eva, prefix, folder)

    np.testing.assert_array_equal(np.stack(list(found.values())), expected[:2])
    assert "LOAD" not in statements(log)


def test_a_file_that_is_no_image_costs_only_itself(eva, prefix, folder, vectors_without_evadb):
    cut, expected = vectors_without_evadb
    paths = write_pngs(folder, cut[:6])
    paths[1].write_bytes(b"no image")
    paths[2].write_bytes(b"")
    paths[3].unlink()
    paths[4].unlink()
    paths[4].mkdir()

    found = evaluate(eva, prefix, folder)

    assert list(found) == names([0, 5])
    np.testing.assert_array_equal(np.stack(list(found.values())), expected[[0, 5]])


def test_where_no_file_is_an_image_there_are_no_vectors(eva, prefix, folder):
    (folder / "none.png").write_bytes(b"no image")

    assert evaluate(eva, prefix, folder) == {}


def test_an_empty_folder_has_no_vectors(eva, prefix, folder):
    assert evaluate(eva, prefix, folder) == {}


def test_a_file_that_goes_away_meanwhile_costs_only_itself(
    eva, prefix, tmp_path, vectors_without_evadb
):
    """Between LOAD, which looks at each file, and SELECT, which opens it again."""
    cut, expected = vectors_without_evadb
    paths = write_pngs(tmp_path / "png", cut[:6])

    def remove(statement):
        if statement["sql"].startswith("LOAD"):
            paths[2].unlink()

    eva.on_statement = remove

    found = evaluate(eva, prefix, tmp_path / "png")

    assert list(found) == names([0, 1, 3, 4, 5])
    np.testing.assert_array_equal(found["0005.png"], expected[5])


def test_nothing_stays_in_evadb(eva, prefix, tmp_path, vectors_without_evadb):
    cut, _ = vectors_without_evadb
    write_pngs(tmp_path / "png", cut)

    evaluate(eva, prefix, tmp_path / "png")

    assert execute(eva, "SHOW TABLES").empty
    assert prefix not in execute(eva, "SHOW FUNCTIONS").to_string()
    left = [path for path in eva.directory.rglob("*") if path.is_symlink() or path.suffix == ".png"]
    assert left == []


def test_no_process_is_started(eva, prefix, folder, vectors_without_evadb):
    """EvaDB's own LOAD would fork one for each core, in a process that has threads."""
    cut, _ = vectors_without_evadb
    before = psutil.Process().children(recursive=True)
    forks = []
    os.register_at_fork(before=lambda: forks.append(prefix))
    count = 2 * os.cpu_count() + 1
    write_pngs(folder, [cut[i % len(cut)] for i in range(count)])

    evaluate(eva, prefix, folder)

    assert forks == []
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_a_load_writes_nothing_where_python_was_started(tmp_path, vectors_without_evadb):
    cut, _ = vectors_without_evadb
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


def test_a_table_is_named_by_an_identifier(eva, tmp_path):
    with pytest.raises(UnsafeName):
        evaluate(eva, "Robert'); DROP", tmp_path)


def test_an_image_larger_than_the_extractor_needs_has_a_vector_too(eva, prefix, tmp_path):
    large = np.kron(tiles(400).images[0], np.ones((4, 4, 1), np.uint8))
    (tmp_path / "png").mkdir()
    cv2.imwrite(str(tmp_path / "png/large.png"), cv2.cvtColor(large, cv2.COLOR_RGB2BGR))

    found = evaluate(eva, prefix, tmp_path / "png")

    np.testing.assert_array_equal(found["large.png"], extractor("opencv").features([large])[0])
