"""The nightly tests: each is in the table of what calls for it."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests import nightly

ROOT = nightly.ROOT


def nightly_modules() -> set[str]:
    """Test modules that mark something as nightly."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        marks = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
        if "pytest.mark.nightly" in marks:
            found.add(str(path.relative_to(ROOT)))
    return found


# What pages are made of beside code.
OF_PAGES = {"static", "templates", "unfold_templates"}


def packages() -> set[str]:
    """The folders with source code, and with what pages are made of, two levels deep."""
    return {
        str(path.relative_to(ROOT))
        for package in ("evals_backend", "mlapi", "registry")
        for path in [ROOT / package, *(ROOT / package).iterdir()]
        if path.is_dir() and ((path / "__init__.py").exists() or path.name in OF_PAGES)
    }


def test_each_module_with_nightly_tests_says_what_calls_for_it():
    assert nightly_modules() == set(nightly.TOUCHED_BY)


def test_whatever_the_table_names_exists():
    named = {folder for folders in nightly.TOUCHED_BY.values() for folder in folders}
    missing = {name for name in named | set(nightly.EVERYTHING) if not (ROOT / name).exists()}
    assert missing == set()


def test_each_package_calls_for_nightly_tests_or_is_listed_as_untested():
    silent = {
        package
        for package in packages()
        if not nightly.modules([f"{package}/changed.py"])
        and not any(nightly._is_in(package, known) for known in nightly.UNTESTED)
    }
    assert silent == set()


@pytest.mark.parametrize(
    ("changed", "called_for"),
    [
        (["registry/admin/home.py"], "tests/registry/test_scale.py"),
        (["registry/unfold_templates/unfold/a.html"], "tests/browser/test_pages.py"),
        (["mlapi/eva/execute.py"], "tests/mlapi/training_child/test_accuracy.py"),
        (["tests/registry/test_scale.py"], "tests/registry/test_scale.py"),
        (["requirements.txt"], "tests/e2e/test_real_texts.py"),
    ],
)
def test_a_change_calls_for_the_tests_of_its_folder(changed, called_for):
    assert called_for in nightly.modules(changed)


def test_a_page_of_the_documentation_calls_for_none():
    assert nightly.modules(["docs/images.md", "README.md"]) == []


def test_the_changed_files_are_known_by_the_base_or_by_the_time(monkeypatch, tmp_path):
    def git(*arguments: str, at: str = "2026-01-05T12:00:00Z") -> None:
        env = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at, "PATH": "/usr/bin:/bin"}
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, env=env, check=True)

    def commit(name: str, at: str) -> None:
        Path(tmp_path / name).write_text("x")
        git("add", name)
        git("commit", "-qm", name, at=at)

    git("init", "-q")
    commit("old.py", "2026-01-01T12:00:00Z")
    commit("early.py", "2026-01-05T09:00:00Z")
    commit("late.py", "2026-01-05T12:00:00Z")
    monkeypatch.setattr(nightly, "ROOT", tmp_path)
    monkeypatch.delenv("CI_BASE", raising=False)
    assert nightly.changed_files() == ["early.py", "late.py"]
    monkeypatch.setenv("CI_BASE", "HEAD~1")
    assert nightly.changed_files() == ["late.py"]
