"""The option `engine` as `hf:<name or folder>`, where the vision extra may be missing."""

import importlib.util

import pytest

from mlapi import pipelines
from mlapi.domain import InvalidOption
from mlapi.labelstudio.label_config import parse
from mlapi.pipelines import get, project_options
from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.options import check_engine

CONFIG = parse(
    '<View><Image name="img" value="$image"/>'
    '<RectangleLabels name="box" toName="img"><Label value="red"/></RectangleLabels>'
    '<RectangleLabels name="own" toName="img" model_path="a.onnx"><Label value="red"/>'
    "</RectangleLabels></View>"
)
without_vision = pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="the vision extra is installed"
)


@pytest.fixture(autouse=True)
def models(settings, tmp_path):
    settings.MODELS_DIR = str(tmp_path)


def validated(engine, **controls):
    return project_options.validate(CONFIG, {"engine": engine, "controls": controls})


@pytest.mark.parametrize("engine", ["hf:", "hf: ", "hf:a b", "hf:../a\0", "hf:org/", "hf:-x"])
def test_a_value_that_names_nothing_is_invalid(engine):
    with pytest.raises(InvalidOption, match=r'engine is no .*"hf:<name or path of a model>"'):
        get("object_detection").validate_options({"engine": engine})


@without_vision
@pytest.mark.parametrize("engine", ["hf:PekingU/rtdetr_r18vd", "hf:/models/x"])
def test_without_the_extra_the_command_is_named(engine):
    with pytest.raises(InvalidOption, match=r"needs torch, which is not installed") as refused:
        validated(engine)

    assert "pip install -r requirements-vision.txt" in refused.value.hint


@without_vision
def test_an_engine_of_a_single_control_is_refused_before_a_run_too():
    with pytest.raises(InvalidOption, match=r"needs torch, which is not installed"):
        validated("auto", box={"engine": "hf:/models/x"})


@pytest.mark.vision
def test_a_folder_that_does_not_exist_is_refused_with_the_files_that_it_needs(tmp_path):
    with pytest.raises(InvalidOption, match=r"is no folder") as refused:
        validated(f"hf:{tmp_path}/none")

    assert "preprocessor_config.json" in refused.value.hint


def test_what_is_not_trained_is_named_by_a_model_only():
    with pytest.raises(InvalidOption, match=r"hf cannot be used here: .* hf:<name or folder>"):
        check_engine("hf")
    with pytest.raises(InvalidOption, match=r"onnx cannot be used here: .* by model_path in the"):
        check_engine("onnx")


def test_the_hint_of_an_unknown_engine_has_only_names_that_can_be_chosen():
    with pytest.raises(InvalidOption, match=r"There is no engine 'other'") as refused:
        check_engine("other")

    known = "Known: auto, patches, lite, yolo, or hf:<name or path of a model>."
    assert refused.value.hint == known


def test_a_version_of_it_says_which_package_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert ENGINES["hf"].missing() == (
        "The package torch is not installed. Install requirements-vision.txt."
    )


def needs_no_label(options) -> dict[str, bool]:
    pipeline = get("object_detection")
    targets = pipelines.match(CONFIG, options).targets
    return {target.name: pipeline.is_pretrained(target) for target in targets}


def test_the_controls_that_it_fills_need_no_label():
    assert needs_no_label({}) == {"box": False, "own": True}
    assert needs_no_label({"engine": "patches"}) == {"box": False, "own": True}
    assert needs_no_label({"engine": "hf:a/b"}) == {"box": True, "own": True}
    own = {"engine": "hf:a/b", "controls": {"box": {"engine": "patches"}}}
    assert needs_no_label(own) == {"box": False, "own": True}


def test_another_model_asks_for_another_version_and_another_engine_for_none():
    def fingerprint(options):
        return pipelines.fingerprint(pipelines.match(CONFIG, options))

    assert fingerprint({"engine": "hf:a/b"}) != fingerprint({"engine": "hf:a/c"})
    assert fingerprint({"engine": "hf:a/b"}) != fingerprint({})
    assert fingerprint({"engine": "patches"}) == fingerprint({})
