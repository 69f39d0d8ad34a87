"""A team's steps in the admin: it views, trains, compares, promotes and rolls back."""

import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.faults import accessibility_faults
from tests.browser.walk import button

pytestmark = pytest.mark.browser

RUN_MS = 300_000  # a run of such a small project takes about 10 s on an idle machine


def press(page: Page, name: str, reason: str) -> None:
    """Press an action's button, and give the reason that its dialog asks for."""
    page.wait_for_load_state()  # a link without its script opens the dialog as a page
    button(page, name).click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=name, exact=True).click()


def expect_message(page: Page, text: str | re.Pattern) -> None:
    """Wait until the page has this message."""
    expect(page.get_by_text(text).first).to_be_visible()


def test_the_home_page_sums_up_a_project(open_as, trained_project):
    page = open_as("viewer")
    page.goto("/admin/")
    row = page.get_by_role("row").filter(has_text="Parts and pieces")
    expect(row).to_contain_text(trained_project.champion)
    expect(row).to_contain_text("baseline")
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    row.get_by_role("link", name="Parts and pieces").click()
    expect(page).to_have_url(re.compile(trained_project.project_page))


def test_a_run_is_started_and_watched_to_its_end_by_a_page_that_moves_by_itself(
    open_as, trained_project
):
    page = open_as("lead")
    page.goto(trained_project.project_page)
    press(page, "Train now", "The classes were cleaned up")
    expect_message(page, re.compile(r"Run \d+ is queued"))
    run = trained_project.backend.runs(trained_project.uid)[-1]
    page.goto(f"/admin/registry/trainingrun/{run['id']}/change/")
    content = page.locator("#content")
    # Of labels that have not changed it is the same model.
    ended = re.compile(r"is the champion now|the model is v\S+ again")
    expect(content).to_contain_text(ended, timeout=RUN_MS)
    expect(content.get_by_text("Succeeded").first).to_be_visible()
    run = trained_project.backend.runs(trained_project.uid)[-1]
    assert (run["state"], run["trigger"], run["actor"]) == ("succeeded", "admin", "lead-user")


@pytest.mark.nightly
def test_a_confusion_cell_opens_the_tasks_in_it(open_as, trained_project):
    page = open_as("viewer")
    page.goto("/admin/registry/modelversion/")
    page.get_by_role("link", name=trained_project.second).first.click()
    cell = page.get_by_role(
        "link", name=re.compile(r"^\d+ tasks: human label (\w), predicted (?!\1)")
    ).first
    name = cell.get_attribute("aria-label")
    count, human, predicted = re.match(
        r"(\d+) tasks: human label (\w+), predicted (\w+)", name
    ).groups()
    cell.click()
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(int(count))
    expect(rows.first).to_contain_text(human)
    expect(rows.first).to_contain_text(predicted)


def test_a_version_is_promoted_and_rolled_back_and_both_reasons_are_audited(
    open_as, trained_project
):
    page = open_as("lead")
    served = trained_project.champion
    page.goto(trained_project.version_page(trained_project.first))

    button(page, "Promote").click()
    reason = page.locator("#dialog").get_by_label("Reason")
    expect(reason).to_be_visible()
    assert accessibility_faults(page) == []
    page.locator("#dialog").get_by_role("button", name="Promote", exact=True).click()
    assert reason.evaluate("field => field.matches(':user-invalid')"), "a reason is required"
    assert trained_project.champion == served

    reason.fill("Better on the rare class")
    page.locator("#dialog").get_by_role("button", name="Promote", exact=True).click()
    expect_message(page, f"{trained_project.first} is the champion of")
    assert trained_project.champion == trained_project.first

    page.goto(trained_project.project_page)
    press(page, "Roll back", "Complaints from the annotators")
    expect_message(page, f"{served} serves again")
    assert trained_project.champion == served

    page.goto("/admin/registry/auditentry/")
    for verb, why in (
        ("promote", "Better on the rare class"),
        ("roll", "Complaints from the annotators"),
    ):
        row = page.locator("#result_list tbody tr").filter(has_text=why)
        expect(row).to_contain_text("lead-user")
        expect(row).to_contain_text(re.compile(verb, re.IGNORECASE))


def test_nothing_is_typed_into_a_dialog_that_its_answer_would_replace(open_as, trained_project):
    """Otherwise a reason that is typed quickly after a refused one would be lost."""
    page = open_as("lead")
    page.goto(trained_project.version_page(trained_project.first))
    held = []

    def hold(route: Route) -> None:
        if is_post(route.request):
            held.append(route)
        else:
            route.continue_()

    page.route("**/*", hold)

    button(page, "Promote").click()
    dialog = page.locator("#dialog")
    reason, promote = dialog.get_by_label("Reason"), dialog.get_by_role("button", name="Promote")
    promote.click()
    assert reason.evaluate("field => field.matches(':user-invalid')")
    assert held == [], "without a reason nothing is sent"

    reason.fill("   ")
    promote.click()
    expect(reason).not_to_be_editable()
    expect(promote).to_be_disabled()
    held.pop().continue_()
    expect(dialog).to_contain_text("This field is required.")
    expect(reason).to_be_editable()
    expect(reason).to_be_focused()
    expect(promote).to_be_enabled()


# Fills a dialog's field and presses its button before htmx, which has just put it there, goes on;
# not if what is missing would be sent.
SEND_AT_ONCE = """text => new MutationObserver((_, self) => {
    const form = document.querySelector("#dialog form");
    if (!form) return;
    self.disconnect();
    if (form.noValidate) return;
    form.querySelector("textarea").value = text;
    form.querySelector("[type=submit]").click();
}).observe(document.body, { childList: true, subtree: true })"""


def test_a_dialog_that_is_submitted_before_htmx_is_ready_has_the_same_effect(
    open_as, trained_project
):
    page = open_as("lead")
    posts = []
    page.on("request", lambda request: posts.append(request) if is_post(request) else None)
    page.goto(trained_project.version_page(trained_project.first))

    page.evaluate(SEND_AT_ONCE, "Written at once")
    button(page, "Note").click()
    expect_message(page, "The note is kept.")
    expect(page.locator("#content")).to_contain_text("Written at once")
    assert ["/write_note/" in post.url for post in posts] == [True]


def is_post(request: Request) -> bool:
    return request.method == "POST"


@pytest.mark.nightly
def test_two_versions_are_compared_on_the_tasks_that_both_were_evaluated_on(
    open_as, trained_project
):
    page = open_as("viewer")
    page.goto(trained_project.version_page(trained_project.second))
    page.get_by_label("Compare with").select_option(label=trained_project.first)
    page.get_by_role("button", name="Compare").click()
    content = page.locator("#content")
    expect(content).to_contain_text(trained_project.first)
    expect(content).to_contain_text(trained_project.second)
    expect(content).to_contain_text("95 %")


def test_a_viewer_is_offered_no_action_and_refused_each_by_its_url(open_as, trained_project):
    page = open_as("viewer")
    version = trained_project.version_page(trained_project.first)
    newest = trained_project.backend.runs(trained_project.uid)[0]
    run = f"/admin/registry/trainingrun/{newest['id']}/change/"
    actions = ("Train now", "Roll back", "Check connection", "Promote", "Archive", "Note", "Retry")
    for address in (trained_project.project_page, version, run):
        page.goto(address)
        for name in actions:
            expect(button(page, name)).to_have_count(0)
    for address in (
        trained_project.project_page.replace("change", "train_now"),
        trained_project.project_page.replace("change", "roll_back"),
        version.replace("change", "promote"),
    ):
        assert page.request.get(address).status == 403


def test_a_lead_is_offered_what_a_viewer_is_not(open_as, trained_project):
    page = open_as("lead")
    page.goto(trained_project.project_page)
    for name in ("Train now", "Roll back", "Check connection"):
        expect(button(page, name)).to_be_visible()
    page.goto(trained_project.version_page(trained_project.first))
    expect(button(page, "Promote")).to_be_visible()


def test_a_wrong_password_opens_nothing(browser, trained_project):
    page = browser.new_page(base_url=trained_project.backend.url)
    page.goto("/admin/")
    page.get_by_label("Username").fill("lead-user")
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct username")).to_be_visible()
    page.close()


@pytest.mark.nightly
def test_the_browsable_rest_docs_need_nothing_from_elsewhere(open_as, trained_project):
    page = open_as("viewer")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible()
    assert [
        url for url in addresses if not url.startswith((trained_project.backend.url, "data:"))
    ] == []
