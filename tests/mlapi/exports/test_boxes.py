"""An export of boxes finds what /predict finds, as the label config serves it."""

import base64

import pytest
from django.utils import timezone

from mlapi import serving
from mlapi.exports.folder import NotExportable, files, write
from mlapi.inputs import SizedImages
from mlapi.pipelines.artifact import pack
from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample
from mlapi.pipelines.object_detection.model import DetectedTarget, DetectionModel
from mlapi.served_config import resolve
from registry.label_renames import Rename
from registry.models import ModelVersion, Project
from tests.mlapi.exports import versions
from tests.mlapi.exports.programs import predicted
from tests.mlapi.image_projects import server
from tests.mlapi.pipelines.object_detection import inks, squares

__all__ = ["server"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_loaded_versions")]

NAME = "object_detection"
CONFIG = (
    '<View><Image name="img" value="$image"/><RectangleLabels name="box" toName="img">'
    '<Label value="red"/><Label value="blue"/></RectangleLabels></View>'
)
LEARNED = [s for s in map(squares.scene, range(40)) if s.objects][:12]
NEW = [squares.scene(number) for number in range(3_000, 3_010)]
PLACE = ("x", "y", "width", "height")


@pytest.fixture(scope="module")
def artifact() -> bytes:
    """The artifact of the base installation's engine, trained on squares."""
    examples = [DetectionExample(s.image, tuple(Box(*each) for each in s.objects)) for s in LEARNED]
    detector = ENGINES["patches"].train(examples, ("red", "blue"), seed=0, deadline=lambda: None)
    (spec,) = resolve(CONFIG, {}).targets
    target = DetectedTarget(spec, "patches", detector, {"red": 0.4, "blue": 0.4})
    return pack(NAME, DetectionModel(SizedImages(), [target]).to_parts())


def served_boxes(version: ModelVersion, addresses: list[str]) -> list[list[dict]]:
    """The boxes that `/predict` answers, as an export has them."""
    tasks = [{"id": 1 + i, "data": {"image": address}} for i, address in enumerate(addresses)]
    project = Project.objects.select_related("champion").get(pk=version.project_id)
    found = serving.answer(project, project.label_config, tasks)
    assert found.problems == {}
    return [
        [
            {
                "label": r["value"]["rectanglelabels"][0],
                **{name: r["value"][name] for name in PLACE},
                "score": r["score"],
            }
            for r in (entry["result"] if entry else ())
        ]
        for entry in found.results
    ]


def in_order(boxes: list[dict]) -> list[dict]:
    return sorted(
        ({n: v if n == "label" else round(v, 3) for n, v in box.items()} for box in boxes),
        key=lambda box: (box["label"], box["x"], box["y"]),
    )


@pytest.mark.parametrize(
    "control", [pytest.param("", marks=pytest.mark.nightly), ' model_score_threshold="0.6"']
)
def test_boxes_are_those_of_predict(artifact, server, tmp_path, control):
    """Under thresholds of the label config, and with labels that have swapped their names."""
    config = CONFIG.replace('name="box"', f'name="box"{control}')
    version = versions.version_of({NAME: artifact}, config)
    if control:
        now = timezone.now().isoformat()
        swap = (("red", "other"), ("blue", "red"), ("other", "blue"))
        renames = [Rename("box", old, new, now).to_dict() for old, new in swap]
        Project.objects.filter(pk=version.project_id).update(label_renames=renames)
        version = ModelVersion.objects.get(pk=version.pk)
    write(version, tmp_path / "export")
    rows = []
    for i, scene in enumerate(NEW):
        (tmp_path / f"{i}.png").write_bytes(scene.file)
        data = f"data:image/png;base64,{base64.b64encode(scene.file).decode()}"
        rows.append({"image": data if i % 2 else str(tmp_path / f"{i}.png")})

    exported = [row["box"] for row in predicted(tmp_path / "export", rows)]

    addresses = [server.put(f"{i}.png", scene.file) for i, scene in enumerate(NEW)]
    expected = served_boxes(version, addresses)
    assert [in_order(one["value"]) for one in exported] == [in_order(one) for one in expected]
    assert {box["label"] for one in expected for box in one} == {"red", "blue"}
    assert all(0 <= one["score"] <= 1 for one in exported)


def test_mlflow_knows_what_a_box_is(artifact):
    found = files(versions.version_of({NAME: artifact}, CONFIG))

    assert b'\\"label\\": {\\"type\\": \\"string\\"' in found["MLmodel"]
    assert "percent of the image" in found["README.md"].decode()
    assert b"torch" not in found["requirements.txt"]


@pytest.mark.vision
def test_boxes_of_lite_need_torch_and_no_weights_of_a_backbone(tmp_path):
    from mlapi.pipelines.object_detection.engines.lite.detector import LiteDetector
    from mlapi.pipelines.object_detection.engines.lite.network import Network

    (spec,) = resolve(CONFIG, {}).targets
    detector = LiteDetector(("red", "blue"), 320, Network(2))
    model = DetectionModel(SizedImages(), [DetectedTarget(spec, "lite", detector, {})])
    version = versions.version_of({NAME: pack(NAME, model.to_parts())}, CONFIG)
    write(version, tmp_path / "export")
    (tmp_path / "a.png").write_bytes(NEW[0].file)

    (found,) = predicted(tmp_path / "export", [{"image": str(tmp_path / "a.png")}])

    assert isinstance(found["box"]["value"], list)
    needed = (tmp_path / "export" / "requirements.txt").read_text()
    assert "\ntorch==" in needed and "+cpu" not in needed and "efficientnet" not in needed


def test_boxes_of_an_engine_that_an_export_cannot_have_are_refused(monkeypatch):
    inks.register(monkeypatch.setitem)
    detector = inks.InkDetector(["red"], inks.np.zeros((1, 3), inks.np.float32))
    (spec,) = resolve(CONFIG, {}).targets
    model = DetectionModel(SizedImages(), [DetectedTarget(spec, inks.NAME, detector, {})])
    version = versions.version_of({NAME: pack(NAME, model.to_parts())}, CONFIG)

    with pytest.raises(NotExportable, match="engine inks"):
        files(version)
