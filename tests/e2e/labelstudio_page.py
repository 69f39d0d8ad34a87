"""Label Studio's own pages in a browser, for one who is logged in."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.browser import chromium
from tests.e2e.labelstudio_client import PASSWORD, USER
from tests.e2e.labelstudio_server import LabelStudioServer


@contextmanager
def logged_in(labelstudio: LabelStudioServer) -> Iterator[Page]:
    """A page of the first user, in a browser of its own."""
    with chromium.launched() as browser:
        page = chromium.new_page(browser, labelstudio.url)
        page.goto("/user/login/")
        page.locator("[name=email]").fill(USER)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url(re.compile("/(projects)?/?$"))
        yield page
        page.context.close()


def take_screenshot(page: Page, name: str) -> None:
    """Store the page as an image in the folder that EVALS_SCREENSHOTS names, if it does."""
    if folder := os.environ.get("EVALS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")
