"""Links in the documentation: every relative one leads to a file, every anchor to a heading."""

from urllib.parse import unquote

import pytest

from tests.documentation.pages import PAGES, ROOT, anchors, links

SCREENSHOTS = ROOT / "docs" / "screenshots"


def relative(page):
    return [link for link in links(page) if "://" not in link and not link.startswith("mailto:")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_and_anchor_resolves(page):
    for link in relative(page):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_linked_from_the_readme():
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in relative(ROOT / "README.md")}
    assert {page for page in PAGES if page.name != "README.md"} <= linked


def test_every_screenshot_is_shown():
    linked = {(page.parent / link).resolve() for page in PAGES for link in relative(page)}
    files = set(SCREENSHOTS.glob("*.png"))
    assert files
    assert files <= linked
