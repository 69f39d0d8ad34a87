"""Makes docs/screenshots, which README and docs/admin.md show, of models that it trains."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.browser.labelling import Images, Labelled, Labelling, noisy
from tests.e2e.server import ROOT, Backend
from tests.mlapi.image_files import digits
from tests.mlapi.image_server import ImageServer, image_server

FOLDER = ROOT / "docs" / "screenshots"
MOST_BYTES = 300_000
TALLEST = 1400  # pixels of a page in its screenshot


def labelled_texts() -> tuple[list[str], list[Labelled]]:
    """Names of four topics, and 1,200 made-up texts about them, some of them labelled wrong."""
    names = {"A": "fruit", "B": "machines", "C": "music", "D": "mountains"}
    return list(names.values()), [(text, names[label]) for text, label in noisy(1200)]


def seed(backend: Backend) -> Labelling:
    """Three versions, each from more labels; the humans label on beside the second and third."""
    labels, texts = labelled_texts()
    project = Labelling(backend, 1, "Topics of notes", labels).connect()
    for start, end in ((0, 150), (150, 450), (450, 950)):
        project.learn_from(texts[start:end])
        project.label(texts[1000 + start // 10 : 1040 + start // 10])
    project.add(text for text, _ in texts[1150:1200])
    scored = "SELECT 1 FROM registry_taskscore"
    backend.wait_for(lambda: len(backend.sql(scored)) == 50, "how sure it is of the new tasks")
    return project


def seed_images(backend: Backend, server: ImageServer) -> Images:
    """A project of handwritten digits without a label, grouped into ten clusters."""
    project = Images(backend, 2, "Handwritten digits").connect()
    project.group(server.put(f"{i}.png", file) for i, file in enumerate(digits(600)[0]))
    return project


def addresses(project: Labelling, images: Images) -> dict[str, str]:
    """The pages to show, by the name of their file."""
    backend = project.backend
    clusters = backend.versions(images.uid)[-1]["id"]
    first, *_, last = [v["id"] for v in backend.versions(project.uid)]
    run = backend.runs(project.uid)[-1]["id"]
    version = f"/admin/registry/modelversion/{last}"
    return {
        "home": "/admin/",
        "project": f"/admin/registry/project/{backend.project(project.uid)['id']}/change/",
        "version": f"{version}/change/",
        "compare": f"/admin/registry/modelversion/compare/?a={first}&b={last}",
        "clusters": f"/admin/registry/modelversion/{clusters}/change/",
        "run": f"/admin/registry/trainingrun/{run}/change/",
        "audit-entries": "/admin/registry/auditentry/",
    }


def take_screenshot(page: Page, name: str) -> None:
    """Write a page as it stands, no taller than TALLEST."""
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.viewport_size["width"]
    page.set_viewport_size({"width": width, "height": min(max(height, 720), TALLEST)})
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} KB")
    if size >= MOST_BYTES:
        sys.exit(f"{path.name} is larger than {MOST_BYTES // 1000} KB")


def take_screenshots(browser: Browser, project: Labelling, images: Images) -> None:
    """Every page in light at 1280, the version also in the dark, and the home page on a phone."""
    backend = project.backend
    pages = addresses(project, images)
    page = chromium.new_page(browser, backend.url)
    chromium.log_in(page, backend.url, "admin", backend.password)
    for name, address in pages.items():
        page.set_viewport_size(chromium.WIDE)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        take_screenshot(page, name)
    page.set_viewport_size(chromium.WIDE)
    page.goto(pages["version"])
    chromium.turn_dark(page)
    take_screenshot(page, "version-dark")
    page.set_viewport_size(chromium.PHONE)
    page.goto(pages["home"])
    chromium.turn_light(page)
    take_screenshot(page, "home-phone")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, image_server() as server:
        allowed = {"MEDIA_ALLOWED_HOSTS": server.host}
        backend = Backend(Path(folder) / "data", TRAIN_TIME_BUDGET_S="20", **allowed).start()
        try:
            project = seed(backend)
            images = seed_images(backend, server)
            with chromium.launched() as browser:
                take_screenshots(browser, project, images)
        finally:
            backend.stop()


if __name__ == "__main__":
    main()
