"""The way of a team through the admin, from the home page to an export, on any screen."""

import io
import re
import zipfile
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import turn_dark
from tests.browser.faults import accessibility_faults, overflowing_elements


@dataclass
class Screen:
    """A screen that opens pages; `faults` has axe-core's violations and what does not fit."""

    page: Page
    is_dark: bool = False
    is_checked: bool = True
    faults: list[str] = field(default_factory=list)

    def check(self, name: str) -> None:
        """Note what is wrong with the page as it stands."""
        if not self.is_checked:
            return
        if self.is_dark:
            turn_dark(self.page)
        found = [*accessibility_faults(self.page), *overflowing_elements(self.page)]
        self.faults += [f"{name}: {fault}" for fault in found]


def button(page: Page, name: str) -> Locator:
    """An action's button; the name of its icon comes before its own."""
    return page.get_by_role("link", name=re.compile(rf"(^|\s){name}$"))


def press(page: Page, name: str) -> Locator:
    """Press an action's button, on a phone in the menu of the page's head; the dialog's reason."""
    menu = page.get_by_role("link", name="more_horiz")
    if menu.is_visible():
        menu.click()
    button(page, name).click()
    reason = page.locator("#dialog").get_by_label("Reason")
    expect(reason).to_be_visible()
    return reason


def walk(screen: Screen, title: str) -> None:
    """Walks through a project of texts with a champion and another version; restores both."""
    page = screen.page
    champion = open_project(screen, title)
    project = page.url
    set_an_option_and_take_it_back(screen)
    other = open_version_beside(screen, project, champion)
    export(page)
    compare(screen, champion, other)
    promote(screen, other)
    roll_back(screen, project, champion)
    read_the_audit_entries(screen)


def open_project(screen: Screen, title: str) -> str:
    """Opens the project from the home page; returns its champion, as shown there."""
    page = screen.page
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    screen.check("home")
    row = page.get_by_role("row").filter(has_text=title)
    expect(row).to_contain_text("baseline")
    champion = row.get_by_role("link", name=re.compile(r"^v\d+-\w+$")).inner_text()
    row.get_by_role("link", name=title).click()
    expect(page).to_have_url(re.compile(r"/admin/registry/project/\d+/change/"))
    expect(page.locator("#content")).to_contain_text("Primary metric over versions")
    screen.check("project")
    return champion


def set_an_option_and_take_it_back(screen: Screen) -> None:
    """A refused value is in view at its field; what is left empty isn't set."""
    page = screen.page
    page.get_by_role("link", name="Learning", exact=True).click()
    seed = page.get_by_label("Seed", exact=True)
    expect(seed).to_have_value("")
    screen.check("options")
    for value in ("7", ""):
        seed.fill(value)
        page.get_by_label("Reason", exact=True).fill("A walk through the pages")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was changed successfully").first).to_be_visible()
        expect(seed).to_have_value(value)
    seed.fill("-1")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(seed).to_have_value("-1")
    expect(seed).to_be_in_viewport()
    expect(seed).to_be_focused()
    page.get_by_role("link", name="Overview", exact=True).click()


def open_version_beside(screen: Screen, project: str, champion: str) -> str:
    """The newest version that does not serve; its label."""
    page = screen.page
    page.goto(project)
    versions = page.get_by_role("link", name=re.compile(r"^v\d+-\w+$"))
    other = next(label for label in versions.all_inner_texts() if label != champion)
    versions.filter(has_text=other).first.click()
    expect(page.get_by_role("heading", name=re.compile(f"^{other}"))).to_be_visible()
    expect(page.locator("#content")).to_contain_text("Confusion")
    screen.check("version")
    return other


def export(page: Page) -> None:
    """Downloads the export, which is an MLflow model."""
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export an MLflow model").click()
    download = downloading.value
    assert download.suggested_filename.endswith(".zip")
    content = download.path().read_bytes()
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"MLmodel", "predict.py"} <= {name.rpartition("/")[2] for name in names}


def compare(screen: Screen, champion: str, other: str) -> None:
    """Compares the version with the champion, from the version's page."""
    page = screen.page
    page.get_by_label("Compare with").select_option(label=f"{champion} (champion)")
    page.get_by_role("button", name="Compare").click()
    content = page.locator("#content")
    for text in (champion, other, "95 %"):
        expect(content).to_contain_text(text)
    screen.check("compare")
    page.go_back()


def promote(screen: Screen, other: str) -> None:
    """Promotes the version from its page."""
    page = screen.page
    reason = press(page, "Promote")
    screen.check("promote")
    reason.fill("It is better on the new labels")
    page.locator("#dialog").get_by_role("button", name="Promote", exact=True).click()
    expect(page.get_by_text(f"{other} is the champion of").first).to_be_visible()


def roll_back(screen: Screen, project: str, champion: str) -> None:
    """Rolls back from the page of the project to the champion of before."""
    page = screen.page
    page.goto(project)
    reason = press(page, "Roll back")
    screen.check("roll back")
    reason.fill("The annotators complained")
    page.locator("#dialog").get_by_role("button", name="Roll back", exact=True).click()
    expect(page.get_by_text(f"{champion} serves again").first).to_be_visible()


def read_the_audit_entries(screen: Screen) -> None:
    """Both moves and the setting, with their reasons."""
    page = screen.page
    page.goto("/admin/registry/auditentry/")
    table = page.locator("#result_list")
    for reason in (
        "A walk through the pages",
        "It is better on the new labels",
        "The annotators complained",
    ):
        expect(table).to_contain_text(reason)
    screen.check("audit entries")
