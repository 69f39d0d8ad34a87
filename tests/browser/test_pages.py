"""Every page of the admin: no complaint of the browser, none of axe-core, and it fits a phone."""

import httpx
import pytest

from tests.browser.chromium import PHONE, WIDE, turn, turn_dark, turn_light
from tests.browser.faults import accessibility_faults, overflowing_elements
from tests.browser.sitemap import one_of_each_kind, sitemap

pytestmark = pytest.mark.browser


@pytest.fixture(scope="package")
def addresses(trained_project) -> list[str]:
    """The addresses of one page of each kind that an admin can reach by links."""
    backend = trained_project.backend
    with httpx.Client(base_url=backend.url, timeout=60) as client:
        token = client.get("/admin/login/").cookies["csrftoken"]
        form = {"username": "admin", "password": backend.password, "csrfmiddlewaretoken": token}
        assert client.post("/admin/login/?next=/admin/", data=form).status_code == 302
        return sitemap(client)


def listing(faults: dict[str, list[str]]) -> str:
    """Each fault once, with the first page that has it."""
    first = {fault: where for where, found in reversed(faults.items()) for fault in found}
    return "\n".join(f"{where}: {fault}" for fault, where in first.items())


def test_the_pages_are_all_found_by_links(addresses):
    found = " ".join(addresses)
    for part in ("project/", "modelversion/", "trainingrun/", "auditentry/", "event/", "task/"):
        assert f"/admin/registry/{part}" in found
    assert len(addresses) > 25


def test_pages_of_each_kind_fit_a_phone_and_every_second_is_accessible(open_as, addresses):
    """Of these half are dark, and half have their contrast checked, in both colours."""
    page = open_as("root")
    faults, too_wide = {}, {}
    for number, address in enumerate(one_of_each_kind(addresses)):
        page.set_viewport_size(WIDE)
        page.goto(address)
        if number % 2 == 0:
            turn(page, "dark" if number % 4 == 2 else "light")
            one_of_each_colour_in_eight = number % 8 in {0, 2}  # 0 is light, 2 is dark
            faults[address] = accessibility_faults(page, contrast=one_of_each_colour_in_eight)
        page.set_viewport_size(PHONE)
        too_wide[address] = overflowing_elements(page)
    assert (listing(faults), listing(too_wide)) == ("", "")


@pytest.mark.nightly
def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(open_as, addresses):
    page = open_as("root")
    light, dark, too_wide = {}, {}, {}
    for address in addresses:
        page.set_viewport_size(WIDE)
        page.goto(address)
        turn_light(page)
        light[address] = accessibility_faults(page)
        turn_dark(page)
        dark[address] = accessibility_faults(page, "color-contrast")
        page.set_viewport_size(PHONE)
        too_wide[address] = overflowing_elements(page)
    assert (listing(light), listing(dark), listing(too_wide)) == ("", "", "")


def test_the_login_page_is_accessible(browser, trained_project):
    page = browser.new_page(base_url=trained_project.backend.url)
    page.goto("/admin/login/")
    assert not accessibility_faults(page)
    page.set_viewport_size(PHONE)
    assert not overflowing_elements(page)
    page.close()
