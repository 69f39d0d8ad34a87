"""The contracts of import-linter, checked against the source itself."""

import re
import tomllib

import pytest

from . import import_graph
from .running import ROOT

PACKAGES = ("evals_backend", "mlapi", "registry")

EVADB = re.compile(r"^\s*(import|from) evadb\b|import_module\([\"']evadb", re.MULTILINE)


def test_only_mlapi_eva_imports_evadb():
    """Dynamic imports and folders without __init__.py count, which the linter cannot see."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if not path.is_relative_to(ROOT / "mlapi" / "eva"):
                assert not EVADB.search(path.read_text()), path


def test_the_registry_never_imports_mlapi():
    """The registry names mlapi only by dotted names in settings and in registry.queue."""
    for path in (ROOT / "registry").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) mlapi\b", path.read_text(), re.MULTILINE), path


@pytest.fixture(scope="module")
def imports() -> import_graph.Graph:
    return import_graph.between_files(*PACKAGES)


def test_no_unit_lies_on_a_cycle_of_imports(imports):
    assert import_graph.in_cycles(import_graph.between_units(imports)) == []


def test_no_file_lies_on_a_cycle_of_imports(imports):
    """Imports in functions and for type checkers only count too."""
    assert {"evals_backend.serve", "mlapi.serving", "registry.models"} <= imports.keys()
    assert import_graph.in_cycles(imports) == []


@pytest.mark.parametrize(
    "back",
    [
        "from cyclic.above import top",
        "from cyclic import above",
        "from . import above",
        "def late():\n    import cyclic.above.top",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cyclic.above.top import x",
    ],
)
def test_a_cycle_is_found_however_it_is_written(back, tmp_path, monkeypatch):
    package = tmp_path / "cyclic"
    (package / "above").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "above" / "__init__.py").write_text("from cyclic.above import top")
    (package / "above" / "top.py").write_text("from cyclic import middle")
    (package / "middle.py").write_text("import cyclic.below")
    monkeypatch.syspath_prepend(tmp_path)

    (package / "below.py").touch()
    assert import_graph.in_cycles(import_graph.between_files("cyclic")) == []

    (package / "below.py").write_text(back)
    files = import_graph.between_files("cyclic")
    units = import_graph.between_units(files)
    assert import_graph.in_cycles(units) == ["cyclic.above", "cyclic.below", "cyclic.middle"]
    assert set(import_graph.in_cycles(files)) >= {"cyclic.below", "cyclic.middle"}


def test_the_layers_name_every_unit_of_mlapi_and_siblings_are_independent():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c for c in contracts["contracts"] if c.get("containers") == ["mlapi"])
    named = [unit for layer in layers["layers"] for unit in layer.split(" | ")]
    # A folder that holds no source is what a package that was moved left behind.
    there = [
        path
        for path in (ROOT / "mlapi").iterdir()
        if not path.name.startswith("__") and (path.is_file() or any(path.rglob("*.py")))
    ]
    assert sorted(named) == sorted(path.stem for path in there)
    assert layers["exhaustive"]
    assert "ignore_imports" not in layers and "exhaustive_ignores" not in layers
    assert not any("exclude" in setting for setting in contracts)


def test_the_contracts_cover_whole_packages():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    evadb = next(c for c in contracts["contracts"] if c.get("forbidden_modules") == ["evadb"])
    assert set(evadb["source_modules"]) == set(contracts["root_packages"])
    assert all(i.startswith("mlapi.eva") for i in evadb["ignore_imports"])


def test_every_folder_of_modules_is_a_package():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path.parent
