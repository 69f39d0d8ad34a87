"""Boxes through a real Label Studio: drawn by its API, learned beside choices, and retrieved.

In its editor they are where the objects are, also on an image that its EXIF turns.
"""

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.e2e.labelstudio_page import logged_in, take_screenshot
from tests.e2e.labelstudio_project import region
from tests.mlapi.pipelines.object_detection import squares

pytestmark = [pytest.mark.labelstudio, pytest.mark.nightly]

CONFIG = (
    '<View><Image name="img" value="$image"/>'
    '<RectangleLabels name="box" toName="img" smart="true">'
    '<Label value="red" background="#00ff00"/><Label value="blue" background="#00ff00"/>'
    "</RectangleLabels>"
    '<Choices name="many" toName="img"><Choice value="one"/><Choice value="several"/></Choices>'
    "</View>"
)
ANNOTATED, TURNED, COUNT = 36, 40, 44
SCENES = [s for s in map(squares.scene, range(200)) if s.objects][:COUNT]


@pytest.fixture(scope="module")
def project(labelstudio, backend):
    """Uploaded, most of it annotated, then connected; `scenes` are the scenes of the tasks.

    So its first reading has all labels, and the first training learns from them, however slow.
    """
    made = labelstudio.project("squares", CONFIG)
    for n, scene in enumerate(SCENES):
        is_turned = n >= TURNED
        name = f"n{n}x.jpg" if is_turned else f"n{n}x.png"
        content = scene.file_on_its_side if is_turned else scene.file
        kind = "image/jpeg" if is_turned else "image/png"
        made.api("POST", f"/api/projects/{made.id}/import", files={"file": (name, content, kind)})
    made.scenes = {
        task["id"]: int(re.search(r"n([0-9]+)x", task["data"]["image"])[1]) for task in made.tasks()
    }
    for task, number in made.scenes.items():
        if number < ANNOTATED:
            scene = SCENES[number]
            choice = "several" if len(scene.objects) > 1 else "one"
            made.annotate(
                task, None, result=[*scene.result(), region(choice, control="many", obj="img")]
            )
    made.connect(backend)
    return made


def objects(result: list[dict]) -> list[tuple[str, float, float]]:
    """Label and centre, in percent, of the boxes of a result."""
    boxes = [r["value"] for r in result if r["type"] == "rectanglelabels"]
    return [
        (b["rectanglelabels"][0], b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes
    ]


def is_found(one: tuple[str, float, float], found: list[tuple[str, float, float]]) -> bool:
    label, x, y = one
    return any(label == o[0] and abs(x - o[1]) < 5 and abs(y - o[2]) < 5 for o in found)


def test_boxes_and_choices_are_learned_and_retrieved(project, backend):
    backend.wait_for(lambda: learned_all(backend, project), "a version of all annotations", 900)
    version = backend.project(project.uid)["version"]

    project.retrieve_predictions()

    tasks = {task["id"]: task for task in project.tasks()}
    truth, found, of_turned = [], [], []
    for task, number in project.scenes.items():
        (prediction,) = tasks[task]["predictions"]
        assert prediction["model_version"] == version
        assert [r["from_name"] for r in prediction["result"]].count("many") == 1
        if number >= ANNOTATED:
            drawn = objects(prediction["result"])
            known = objects(SCENES[number].result())
            hits = [is_found(one, drawn) for one in known]
            truth += known
            found += hits
            of_turned += hits if number >= TURNED else []
            sizes = {
                (r["original_width"], r["original_height"])
                for r in prediction["result"]
                if r["type"] == "rectanglelabels"
            }
            assert sizes <= {(160, 120)}
    assert sum(found) / len(truth) >= 0.8
    assert sum(of_turned) / len(of_turned) >= 0.7


def learned_all(backend, project) -> bool:
    runs = [run for run in backend.runs(project.uid) if run["state"] == "succeeded"]
    return bool(runs) and runs[-1]["dataset_counts"]["tasks"] == ANNOTATED


def test_a_task_with_boxes_opens_where_predictions_are_validated(project):
    task = next(t for t, number in project.scenes.items() if number >= TURNED)
    opened = project.open_task(task)
    assert objects(opened["predictions"][0]["result"])


def test_a_drawn_box_is_answered_with_the_others_of_its_label(project):
    task, scene = next(
        (t, SCENES[n])
        for t, n in project.scenes.items()
        if len(SCENES[n].objects) > 1 and len({label for label, *_ in SCENES[n].objects}) == 1
    )
    first, *others = scene.result()
    backend = project.backends()[0]["id"]
    body = {"task": task, "context": {"result": [first]}}
    answer = project.api("POST", f"/api/ml/{backend}/interactive-annotating", json=body)
    found = objects(answer["data"]["result"])
    assert all(is_found(one, found) for one in objects(others))
    assert not is_found(objects([first])[0], found)


@pytest.fixture(scope="module")
def page(labelstudio) -> Iterator[Page]:
    with logged_in(labelstudio) as page:
        yield page


def opened(page: Page, project, task: int) -> np.ndarray:
    """The image of the task as the editor shows it, (h, w, 3), with what is drawn over it."""
    page.goto(f"/projects/{project.id}/data?task={task}")
    image = page.locator("img[alt=image]").first
    image.wait_for(state="visible")
    drawn = "() => window.Htx?.annotationStore?.selected?.regionStore?.regions?.length"
    page.wait_for_function(drawn)
    place = image.bounding_box()
    # The shapes are drawn in the frame after the store has them.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 300)))")
    shown = page.screenshot(clip=place)
    take_screenshot(page, f"boxes-{task}")
    return np.asarray(Image.open(io.BytesIO(shown)).convert("RGB")).astype(int)


def outline_pixels(pixels: np.ndarray) -> np.ndarray:
    """The pixels of a box's outline, whose colour no object has."""
    return (pixels[..., 1] > pixels[..., 0] + 60) & (pixels[..., 1] > pixels[..., 2] + 60)


def outlined(shown: np.ndarray, sides: tuple[float, float, float, float], most: float) -> float:
    """The share of a rectangle's outline, in percent of the image, that has a line near it."""
    height, width = shown.shape[:2]
    left, top, right, bottom = np.array(sides) * [width, height, width, height] / 100
    found = outline_pixels(shown)
    near = round(most * width / 100)
    share = []
    for t in np.linspace(0.1, 0.9, 17):
        x, y = left + t * (right - left), top + t * (bottom - top)
        for px, py in ((x, top), (x, bottom), (left, y), (right, y)):
            px, py = round(px), round(py)
            around = found[max(0, py - near) : py + near + 1, max(0, px - near) : px + near + 1]
            share.append(bool(around.any()))
    return float(np.mean(share))


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["upright", "turned"])
def test_the_editor_shows_the_boxes_where_the_objects_are(project, page, kind):
    numbers = range(TURNED, COUNT) if kind == "turned" else range(ANNOTATED, TURNED)
    task, sides = next(
        (task["id"], found)
        for task in project.tasks()
        if project.scenes[task["id"]] in numbers
        and (found := of_objects(task["predictions"][0], SCENES[project.scenes[task["id"]]]))
    )

    shown = opened(page, project, task)

    assert shown.shape[1] / shown.shape[0] == pytest.approx(4 / 3, rel=0.03)
    for left, top, right, bottom in sides:
        assert outlined(shown, (left, top, right, bottom), most=1.5) > 0.8
        moved = (left + 12, top + 12, right + 12, bottom + 12)
        assert outlined(shown, moved, most=1) < 0.5  # it would tell a box at another place
        x, y = (left + right) / 200 * shown.shape[1], (top + bottom) / 200 * shown.shape[0]
        assert shown[round(y), round(x)].min() < 150  # the ink of an object, on bright noise


def of_objects(prediction: dict, scene: squares.Scene) -> list[tuple[float, ...]]:
    """The sides, in percent, of the predicted boxes that have an object of the scene.

    Without those at its edges, which the editor cuts.
    """
    known = objects(scene.result())
    drawn = [r for r in prediction["result"] if r["type"] == "rectanglelabels"]
    boxes = [r["value"] for r in drawn if is_found(objects([r])[0], known)]
    sides = [(b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in boxes]
    return [one for one in sides if min(one) > 5 and max(one) < 95]
