"""Static files are compressed once, and a first page is small."""

import gzip
import re

import pytest
from django.core.management import call_command
from django.test import Client, override_settings

pytestmark = pytest.mark.django_db

MOST_BYTES = 500_000  # of a first page with all that it loads


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=folder):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield folder


def response_bytes(path) -> int:
    """The bytes that a browser gets of a file."""
    compressed = path.with_name(f"{path.name}.gz")
    return (compressed if compressed.exists() else path).stat().st_size


def test_a_first_page_is_small(root):
    page = Client().get("/admin/login/").content
    names = set(re.findall(r'(?:href|src)="/static/([^"]+)"', page.decode()))
    fonts = {"unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"}
    assert {"unfold/css/styles.css", "registry/pages.js"} <= names
    assert sum(response_bytes(root / name) for name in names | fonts) + len(page) <= MOST_BYTES


def test_compressed_files_are_not_compressed_again(root):
    files = {path: path.stat().st_mtime_ns for path in root.rglob("*.gz")}
    assert len(files) > 50
    call_command("collectstatic", interactive=False, verbosity=0)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.gz")} == files
    script = root / "registry" / "pages.js"
    copy = script.with_name("pages.js.gz")
    for content in ("changed " * 99, "x"):  # by a new release; the second does not shrink
        script.write_text(content)
        call_command("collectstatic", interactive=False, verbosity=0)
        assert not copy.exists() or gzip.decompress(copy.read_bytes()).decode() == content
        assert copy.exists() == (len(content) > 1)
