"""The benchmarks' tables and the page that keeps them."""

import re
import subprocess

import pytest

from benchmarks.harness import report


def test_a_table_escapes_what_would_end_a_cell():
    assert report.table(["a", "b"], [["1|2", "3"]]) == "| a | b |\n|---|---|\n| 1\\|2 | 3 |\n"


def test_a_section_is_replaced_and_the_rest_of_the_page_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    report.write("x", "new\n", page)
    report.write("x", "newer\n", page)
    expected = "before\n<!-- x: begin -->\n\nnewer\n\n<!-- x: end -->\nafter\n"
    assert page.read_text() == expected


def test_a_page_without_the_section_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n")
    with pytest.raises(SystemExit, match="no section x"):
        report.write("x", "new", page)
    assert page.read_text() == "before\n"


def test_the_commit_is_dirty_by_any_file_but_the_page_that_is_written(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    page, code = tmp_path / report.PAGE.relative_to(report.ROOT), tmp_path / "code.py"
    page.parent.mkdir()
    for file in (page, code):
        file.write_text("before")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    clean = report.commit(tmp_path)
    page.write_text("another table")
    assert report.commit(tmp_path) == clean
    code.write_text("changed")
    assert report.commit(tmp_path) == f"{clean}-dirty"


def test_the_page_has_each_section_that_make_writes():
    written = set(re.findall(r"--write (\S+)", (report.ROOT / "Makefile").read_text()))
    sections = set(re.findall(r"<!-- (\S+): begin -->", report.PAGE.read_text()))
    assert written == sections
