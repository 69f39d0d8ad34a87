"""A team's way from the home page to an export, through our project and through the demo's."""

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.faults import Watched
from tests.browser.walk import Screen, open_project, walk
from tests.e2e.server import Backend

pytestmark = pytest.mark.browser

SAMPLES_S = 1_800  # six trainings; two minutes on an idle machine
SCREENS = {
    "desktop": {"viewport": chromium.WIDE},
    "phone": {"viewport": chromium.PHONE},
    "dark": {"viewport": chromium.WIDE},
}


class Demo(Backend):
    """`make demo` in a folder of its own, started when both samples are made."""

    module = "samples.demo"
    start_s = SAMPLES_S
    stop_signal = signal.SIGTERM  # it passes it on; one of a terminal would reach the server itself

    def _has_started(self) -> bool:
        return self._is_up() and (self.data_dir / "samples-made").exists()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo")).start()  # empty, as of a first start
    yield demo
    demo.stop()


@pytest.mark.nightly
def test_a_team_walks_from_the_home_page_to_the_audit_entries(open_as, trained_project):
    walk(Screen(open_as("root"), is_checked=False), "Parts and pieces")


@pytest.mark.nightly
@pytest.mark.long
@pytest.mark.parametrize("kind", SCREENS)
def test_the_demo_is_walked_on_any_screen_without_a_serious_fault(
    browser: Browser, demo: Demo, kind: str
):
    page = chromium.new_page(browser, demo.url, **SCREENS[kind])
    watched = Watched(page)
    chromium.log_in(page, demo.url, "admin", demo.password)
    screen = Screen(page, is_dark=kind == "dark")
    walk(screen, "Sample: notes by topic")
    open_images(screen)
    page.context.close()
    assert [*screen.faults, *watched.faults] == []


def open_images(screen: Screen) -> None:
    """The page of a version of images, with its mistakes as images."""
    champion = open_project(screen, "Sample: drawn shapes")
    screen.page.get_by_role("link", name=champion).first.click()
    screen.page.wait_for_load_state("networkidle")
    assert screen.page.locator("#content img").count() > 0
    screen.check("version of images")
