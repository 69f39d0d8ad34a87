"""Debian's chromium under Playwright, and the pages of those who are logged in to the admin."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# It would else look for updates, and for hosts of its own, on a network that may be closed.
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless chromium without a profile."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*FLAGS, *as_root]
        )
        yield browser
        browser.close()


def log_in(page: Page, url: str, name: str, password: str) -> None:
    """Logs in through the form and waits for the home page."""
    page.goto(f"{url}/admin/login/?next=/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{url}/admin/")


def new_page(browser: Browser, url: str, **options: Any) -> Page:
    """A page in a context of its own."""
    options = {"viewport": WIDE, "base_url": url, "reduced_motion": "reduce"} | options
    context = browser.new_context(**options)
    context.set_default_timeout(180_000)
    return context.new_page()


def turn_dark(page: Page) -> None:
    """Switches to the dark theme without a transition."""
    turn(page, "dark")


def turn_light(page: Page) -> None:
    """The theme is stored in the context, so a later page would be dark too."""
    turn(page, "light")


def turn(page: Page, theme: str) -> None:
    """`theme` is light or dark; without the transition between them, which is neither."""
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate("theme => Alpine.$data(document.documentElement).adminTheme = theme", theme)
    page.wait_for_selector("html.dark" if theme == "dark" else "html:not(.dark)")
