"""The engine `hf`: detection models of transformers, tiny random ones in folders."""

import gc
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.images.features import SizedImage
from mlapi.inputs import SizedImages
from mlapi.pipelines import artifact
from mlapi.pipelines.object_detection import pretrained
from mlapi.pipelines.object_detection.engines import HUGGING_FACE
from mlapi.pipelines.object_detection.engines.candidates import LEAST_SCORE
from mlapi.pipelines.object_detection.engines.huggingface import engine as hugging_face
from mlapi.pipelines.object_detection.model import DetectedTarget, DetectionModel
from mlapi.pipelines.object_detection.options import hugging_face_model
from tests.mlapi import hub_cache
from tests.mlapi.pipelines.object_detection import squares, tiny_detectors

pytestmark = pytest.mark.vision

SPEC = TargetSpec("box", "img", "Image", "image", "boxes", ("red",), control_tag="RectangleLabels")
MODELS = [tiny_detectors.yolos, tiny_detectors.detr, tiny_detectors.rt_detr]
# Of 160x120: from (40, 30) to (80, 90).
PLACE = (0.375, 0.5, 0.25, 0.5)


@pytest.fixture
def finder(tmp_path):
    return tiny_detectors.save_finder(tmp_path / "finder", PLACE)


def folder_of(engine: str) -> Path:
    return Path(engine.removeprefix("hf:"))


def detector(engine: str):
    return HUGGING_FACE.read(hugging_face_model(engine))


def failure(engine: str) -> TrainingFailed:
    with pytest.raises(TrainingFailed) as failed:
        detector(engine)
    assert failed.value.hint
    return failed.value


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_boxes_of_each_kind_of_model_are_those_of_its_own_library(tmp_path, make):
    import torch
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    engine = tiny_detectors.save(tmp_path / "model", make)
    image = squares.scene(1).image
    processor = AutoImageProcessor.from_pretrained(folder_of(engine), use_fast=False)
    model = AutoModelForObjectDetection.from_pretrained(folder_of(engine)).eval()
    with torch.inference_mode():
        output = model(**processor(images=image, return_tensors="pt"))
    (expected,) = processor.post_process_object_detection(output, LEAST_SCORE, [image.shape[:2]])

    found = detector(engine).detect(image)

    assert detector(engine).labels == tuple(tiny_detectors.CLASSES.values())
    assert found and [box.score for box in found] == sorted((b.score for b in found), reverse=True)
    best = int(expected["scores"].argmax())
    assert found[0].score == pytest.approx(float(expected["scores"][best]), abs=1e-5)
    assert found[0].label == tiny_detectors.CLASSES[int(expected["labels"][best])]
    sides = np.array([found[0].left, found[0].top, found[0].right, found[0].bottom])
    inside = np.clip(expected["boxes"][best].numpy(), 0, [160, 120, 160, 120])
    np.testing.assert_allclose(sides, inside, atol=1e-2)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (2, 3), (480, 640)])
def test_images_of_any_size_are_answered(tmp_path, make, size):
    made = detector(tiny_detectors.save(tmp_path / "model", make))
    height, width = size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)

    for box in made.detect(image):
        assert 0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height
        assert LEAST_SCORE <= box.score <= 1


def test_boxes_that_are_nearly_equal_are_one_object(finder):
    """Every query of this model finds the same box."""
    (box,) = detector(finder).detect(squares.scene(1).image)

    assert (box.label, round(box.score, 2)) == ("red", 0.95)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((40, 30, 80, 90), abs=0.1)


def test_a_thin_image_keeps_its_places(tmp_path):
    """The image is padded below to 160x20 for the model; the box is in its upper rows."""
    engine = tiny_detectors.save_finder(tmp_path / "finder", (0.375, 0.1, 0.25, 0.2))

    (box,) = detector(engine).detect(np.full((2, 160, 3), 99, np.uint8))

    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((40, 0, 80, 2), abs=0.1)


def stored(engine: str) -> DetectionModel:
    target = DetectedTarget(SPEC, HUGGING_FACE.name, detector(engine), {"red": 0.3})
    return DetectionModel(SizedImages(), [target])


def restored(content: bytes) -> DetectionModel:
    return DetectionModel.from_parts(artifact.unpack(content, "object_detection"))


def packed(engine: str) -> bytes:
    return artifact.pack("object_detection", stored(engine).to_parts())


def test_an_artifact_names_the_model_and_has_none_of_its_weights(finder):
    content = packed(finder)

    again = restored(content)

    assert len(content) < 5_000 < again.nbytes
    image = SizedImage(squares.scene(1).image, (160, 120))
    assert again.found(image, 0) == stored(finder).found(image, 0)
    assert again.targets[0].thresholds == {"red": 0.3}
    assert artifact.pack("object_detection", again.to_parts()) == content


def test_versions_of_one_model_share_it_and_it_goes_with_the_last(finder):
    content = packed(finder)
    one, other = restored(content), restored(content)
    assert one.targets[0].detector is other.targets[0].detector

    del one, other
    gc.collect()

    assert not hugging_face._loaded


@pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json", "config.json"])
def test_a_version_whose_models_files_have_changed_says_so(tmp_path, finder, name):
    content = packed(finder)
    if name == "model.safetensors":
        tiny_detectors.save_finder(folder_of(finder), (0.5, 0.5, 0.5, 0.5))
    else:
        path = folder_of(finder) / name
        path.write_text(json.dumps({**json.loads(path.read_text()), "note": "another"}))

    with pytest.raises(TrainingFailed, match=r"today, and had") as failed:
        restored(content)

    assert failed.value.code == "extractor_changed"
    assert "train again" in failed.value.hint


def test_a_version_whose_model_is_gone_says_so(finder):
    content = packed(finder)
    (folder_of(finder) / "model.safetensors").unlink()

    with pytest.raises(TrainingFailed, match=r"has no model\.safetensors") as failed:
        restored(content)
    assert failed.value.code == "model_missing"


def test_a_folder_that_is_no_model_is_missing(tmp_path):
    assert failure(f"hf:{tmp_path}/none").code == "model_missing"
    assert "is no folder" in failure(f"hf:{tmp_path}/none").message
    assert "has no config.json" in failure(f"hf:{tmp_path}").message


def test_pickled_weights_are_not_opened(tmp_path):
    make = tiny_detectors.yolos
    engine = tiny_detectors.save(tmp_path / "model", make, safe_serialization=False)

    assert failure(engine).code == "model_missing"
    assert "pickled weights are not opened" in failure(engine).message


def test_weights_that_are_cut_short_are_broken(finder):
    weights = folder_of(finder) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])

    assert failure(finder).code == "model_broken"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("config.json", text) for text in ("", "{}", "[1", '{"model_type": "no_such_model"}')),
        ("preprocessor_config.json", ""),
        ("preprocessor_config.json", "[1"),
        ("preprocessor_config.json", '{"image_processor_type": "ViTImageProcessor"}'),
    ],
)
def test_an_invalid_config_is_broken(finder, name, text):
    (folder_of(finder) / name).write_text(text)

    assert failure(finder).code == "model_broken"


def test_a_model_that_finds_no_objects_is_broken(tmp_path):
    found = failure(tiny_detectors.save(tmp_path / "model", tiny_detectors.classifier))

    assert found.code == "model_broken"
    assert "no detection model" in found.message


def test_a_head_that_would_be_random_is_refused(tmp_path):
    found = failure(tiny_detectors.save(tmp_path / "model", tiny_detectors.headless))

    assert found.code == "model_broken"
    assert "has no weights for bbox_predictor" in found.message


def test_code_that_comes_with_a_model_is_not_run(tmp_path, finder):
    config = json.loads((folder_of(finder) / "config.json").read_text())
    auto = {"AutoConfig": "mine.C", "AutoModelForObjectDetection": "mine.M"}
    config |= {"model_type": "mine", "auto_map": auto}
    (folder_of(finder) / "config.json").write_text(json.dumps(config))
    code = f"open({str(tmp_path / 'ran')!r}, 'w').close()\nC = M = None\n"
    (folder_of(finder) / "mine.py").write_text(code)

    assert failure(finder).code == "model_broken"
    assert not (tmp_path / "ran").exists()


def test_a_model_of_other_classes_says_which_it_has(finder):
    other = TargetSpec("box", "img", "Image", "image", "boxes", ("Car",))

    with pytest.raises(TrainingFailed, match=r"none of the labels of box, but person, red") as e:
        pretrained.read(other, finder)

    assert e.value.code == "model_file_invalid" and "predicted_values" in e.value.hint


def test_whether_it_can_be_used_is_known_without_importing_torch(finder):
    script = (
        "import sys\n"
        "from mlapi.pipelines.object_detection.options import check_engine\n"
        "check_engine(sys.argv[1])\n"
        "check_engine('hf:PekingU/rtdetr_r18vd')\n"
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, finder], check=True)


def test_a_model_in_the_hubs_cache_needs_no_network(tmp_path):
    tiny_detectors.save_finder(hub_cache.snapshot(tmp_path, "someone", "tiny"), PLACE)
    script = (
        "import numpy as np\n"
        "from mlapi.pipelines.object_detection.engines import HUGGING_FACE\n"
        "found = HUGGING_FACE.read('someone/tiny').detect(np.zeros((120, 160, 3), np.uint8))\n"
        "print([box.label for box in found])"
    )

    assert hub_cache.output_of(script, tmp_path, hub_cache.OFFLINE) == "['red']"


@pytest.mark.parametrize("hub", [hub_cache.OFFLINE, hub_cache.UNREACHABLE])
def test_an_unavailable_model_of_the_hub_is_missing(tmp_path, hub):
    script = (
        "from mlapi.domain import TrainingFailed\n"
        "from mlapi.pipelines.object_detection.engines import HUGGING_FACE\n"
        "try:\n"
        "    HUGGING_FACE.read('PekingU/rtdetr_r18vd')\n"
        "except TrainingFailed as e:\n"
        "    print(e.code, '|', e.message, '|', e.hint)\n"
    )

    code, message, hint = hub_cache.output_of(script, tmp_path, hub).split(" | ")

    assert code == "model_missing"
    assert "PekingU/rtdetr_r18vd" in message and "hf:FOLDER" in hint
