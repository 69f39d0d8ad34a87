"""Label Studio's own pages, click by click: from pasting the URL to a task with its prediction.

With EVALS_SCREENSHOTS, a folder, each step is stored there as an image.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import pytest
from playwright.sync_api import Page, expect

from samples import label_studio
from samples.notes import CONFIG, LABELS, notes
from tests.e2e.labelstudio_page import logged_in, take_screenshot

pytestmark = [pytest.mark.labelstudio, pytest.mark.browser, pytest.mark.nightly]

STEP_MS = 120_000  # two cores, and perhaps other tests on them


@pytest.fixture(scope="module")
def page(labelstudio) -> Iterator[Page]:
    with logged_in(labelstudio) as page:
        yield page


def button(page: Page, text: str | re.Pattern):
    """The button with this text, as Label Studio's accessible names differ."""
    return page.locator("button", has_text=text).first


def test_from_pasting_the_url_to_a_task_with_its_prediction(page, labelstudio, backend):
    expect.set_options(timeout=STEP_MS)
    project = labelstudio.project("By its own pages", CONFIG)
    tasks = notes(60, 3)
    pairs = ((data["text"], label) for data, label in islice(tasks, 48))
    project.import_labelled(pairs, control="topic")
    unlabelled = project.import_texts(data["text"] for data, _ in tasks)

    connect(page, project.id, backend.key_url)
    version = backend.wait_for_version(project.uid)["version"]
    retrieve_predictions(page, project.id)
    assert_task_shows_its_prediction(page, project, unlabelled[0], version)


def connect(page: Page, project_id: int, url: str) -> None:
    """Settings > Model > Connect Model, as README says it."""
    page.goto(f"/projects/{project_id}/settings/ml")
    button(page, "Connect Model").click()
    page.locator("[name=title]").fill("evals-backend")
    page.locator("[name=url]").fill(url)
    take_screenshot(page, "label-studio-connect")
    button(page, "Validate and Save").click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    take_screenshot(page, "label-studio-connected")


def retrieve_predictions(page: Page, project_id: int) -> None:
    """Data Manager: select all, Actions > Retrieve Predictions, OK."""
    page.goto(f"/projects/{project_id}/data")
    expect(page.get_by_text("Predictions: 0")).to_be_visible()
    page.locator("input[type=checkbox]").first.click(force=True)
    button(page, re.compile("^60 Tasks")).click()  # what *Actions* reads where tasks are selected
    take_screenshot(page, "label-studio-actions")
    page.get_by_text("Retrieve Predictions").click()
    button(page, re.compile("^OK$")).click()
    expect(page.get_by_text("Predictions: 60")).to_be_visible()
    take_screenshot(page, "label-studio-predictions")


def assert_task_shows_its_prediction(page: Page, project, task: int, version: str) -> None:
    """The editor has a tab of the version, and what it predicts is chosen already."""
    (prediction,) = project.open_task(task)["predictions"]
    (predicted,) = prediction["result"][0]["value"]["choices"]
    page.goto(f"/projects/{project.id}/data?task={task}")
    expect(page.get_by_text(version, exact=True).first).to_be_visible()
    chosen = page.locator(f"input[name={predicted}]")
    expect(chosen).to_be_checked()
    for label in set(LABELS) - {predicted}:
        expect(page.locator(f"input[name={label}]")).not_to_be_checked()
    expect(button(page, "Submit")).to_be_enabled()
    take_screenshot(page, "label-studio-task")


def test_the_sample_of_make_label_studio_trains_by_itself(labelstudio, backend):
    label_studio.make_project(labelstudio, backend.key_url)
    found = labelstudio.api("GET", "/api/projects/")["results"]
    (made,) = [one for one in found if one["title"] == label_studio.TITLE]
    uid = f"{made['id']}.{int(datetime.fromisoformat(made['created_at']).timestamp())}"
    assert backend.wait_for_version(uid)["version"].startswith("v1-")
