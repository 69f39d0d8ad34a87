"""A label that the label config has renamed is confirmed in the admin, and taken back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.faults import accessibility_faults
from tests.browser.labelling import Labelling, noisy

pytestmark = [pytest.mark.browser, pytest.mark.nightly]


@pytest.fixture
def project_page(trained_project) -> str:
    """The page of a project of 20 tasks whose label A is called Alpha by now."""
    labelling = (
        Labelling(trained_project.backend, 9, "With another name", "AB").connect().train_by_hand()
    )
    labelling.label(noisy(20, "AB", seed=9))
    labelling.rename("A", "Alpha")
    return f"/admin/registry/project/{trained_project.backend.project(labelling.uid)['id']}/change/"


def open_dialog(page: Page, name: str):
    """The dialog of an action; the name of its icon comes before its own."""
    page.wait_for_load_state()  # a link without its script opens the dialog as a page
    page.get_by_role("link", name=re.compile(rf"(^|\s){name}$")).click()
    return page.locator("#dialog")


def test_a_renamed_label_is_offered_with_its_effect_confirmed_and_undone(open_as, project_page):
    page = open_as("admin")
    page.goto(project_page)
    expect(page.get_by_text("A label renamed?")).to_be_visible()

    dialog = open_dialog(page, "Label renamed")
    expect(dialog).to_contain_text("Annotated as A (label)")
    expect(dialog).to_contain_text("tasks, as Alpha")
    assert not accessibility_faults(page)
    dialog.get_by_role("button", name="Label renamed", exact=True).click()
    expect(page.get_by_text("label: A -> Alpha is confirmed.")).to_be_visible()
    expect(page.get_by_text("Renamed labels")).to_be_visible()

    dialog = open_dialog(page, "Undo a rename")
    dialog.get_by_role("button", name="Undo a rename", exact=True).click()
    expect(page.get_by_text("label: A -> Alpha is undone.")).to_be_visible()
    expect(page.get_by_text("A label renamed?")).to_be_visible()
