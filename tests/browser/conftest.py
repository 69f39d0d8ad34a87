"""A server with a really trained project, and a browser in front of it, for all of these tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, people
from tests.browser.faults import Watched
from tests.browser.labelling import Labelling, noisy
from tests.e2e.server import Backend

expect.set_options(timeout=180_000)  # two cores, and perhaps other tests on them


@dataclass
class Trained:
    """The server, and its project of four classes with two versions, of which `second` serves."""

    backend: Backend
    labelling: Labelling
    first: str
    second: str

    @property
    def uid(self) -> str:
        return self.labelling.uid

    @property
    def project_page(self) -> str:
        return f"/admin/registry/project/{self.backend.project(self.uid)['id']}/change/"

    def version_page(self, label: str) -> str:
        """The address of a version's page."""
        (pk,) = [v["id"] for v in self.backend.versions(self.uid) if v["label"] == label]
        return f"/admin/registry/modelversion/{pk}/change/"

    @property
    def champion(self) -> str:
        return self.backend.project(self.uid)["version"]


@pytest.fixture(scope="package")
def trained_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Some labels are wrong, so that the confusion has cells and the mistakes have rows."""
    data_dir = tmp_path_factory.mktemp("browser") / "data"
    backend = Backend(data_dir, TRAIN_TIME_BUDGET_S="5").start()
    try:
        people.make(backend)
        labelling = Labelling(backend, 1, "Parts and pieces", "ABCD").connect().train_by_hand()
        first = labelling.learn_from(noisy(80))
        labelling.label(noisy(30, seed=1))
        second = labelling.learn_from(noisy(120, seed=2))
        labelling.add(text for text, _ in noisy(20, seed=3))
        yield Trained(backend, labelling, first, second)
    finally:
        backend.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of the package; while it runs, Django refuses its database to this thread."""
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def logins() -> dict[str, dict]:
    """The cookies of those who have logged in, so that each does so once."""
    return {}


@pytest.fixture
def open_as(
    browser: Browser, trained_project: Trained, logins: dict
) -> Iterator[Callable[..., Page]]:
    """`open_as("lead")`: a page of one who is logged in; the test fails on complaints.

    Complaints are the browser's: errors in its console, and what it could not load.
    """
    watched: list[Watched] = []
    pages: list[Page] = []

    def open_page(who: str, **options) -> Page:
        url = trained_project.backend.url
        page = chromium.new_page(browser, url, storage_state=logins.get(who), **options)
        watched.append(Watched(page))
        pages.append(page)
        if who not in logins:
            chromium.log_in(page, url, *people.credentials(trained_project.backend, who))
            logins[who] = page.context.storage_state()
        return page

    yield open_page
    for page in pages:
        page.context.close()
    complaints = [fault for one in watched for fault in one.faults]
    assert not complaints, "\n".join(complaints)
