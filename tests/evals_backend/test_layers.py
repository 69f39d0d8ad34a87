"""What import-linter enforces, checked against the source itself."""

import re
import tomllib

from .running import ROOT

EVADB = re.compile(r"^\s*(import|from) evadb\b|import_module\([\"']evadb", re.MULTILINE)


def test_only_mlapi_eva_imports_evadb():
    """Also by dynamic import, and in a folder without __init__.py, which the linter cannot see."""
    for package in ("evals_backend", "mlapi", "registry"):
        for path in (ROOT / package).rglob("*.py"):
            if not path.is_relative_to(ROOT / "mlapi" / "eva"):
                assert not EVADB.search(path.read_text()), path


def test_the_registry_never_imports_mlapi():
    """Its two doors are dotted names in settings and in registry.queue."""
    for path in (ROOT / "registry").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) mlapi\b", path.read_text(), re.MULTILINE), path


def test_the_contracts_cover_whole_packages():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    evadb = next(c for c in contracts["contracts"] if c.get("forbidden_modules") == ["evadb"])
    assert set(evadb["source_modules"]) == set(contracts["root_packages"])
    assert all(i.startswith("mlapi.eva") for i in evadb["ignore_imports"])


def test_every_folder_of_modules_is_a_package():
    for package in ("evals_backend", "mlapi", "registry"):
        for path in (ROOT / package).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path.parent
