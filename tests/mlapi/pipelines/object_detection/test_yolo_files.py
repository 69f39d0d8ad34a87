"""Reading of an operator's YOLO model without the package that runs it."""

import pytest
import yaml

from mlapi.pipelines.object_detection.engines.yolo import definition, model_file
from tests.mlapi.pipelines.object_detection import yolo_files


def test_a_definition_is_read_with_its_classes_and_size(tmp_path):
    path = yolo_files.written(tmp_path, b"weights", names={0: "red", 1: "blue"}, author="somebody")

    found = model_file.read(path)

    assert (found.classes, found.side, found.weights) == (("red", "blue"), 160, b"weights")
    assert found.definition == {**yolo_files.definition(), "nc": 2}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nc": 3}, "has 3 classes .* and 2 names"),
        ({"names": None}, "no names of classes"),
        ({"names": {1: "red", 2: "blue"}}, "no names of classes"),
        ({"names": [1, 2]}, "no names of classes"),
        ({"imgsz": "large"}, "no size of images"),
        ({"imgsz": 16}, "no size of images"),
        ({"activation": "__import__('os').system('true')"}, "activation"),
        ({"end2end": True}, "end2end"),
        ({"backbone": []}, "no backbone"),
        ({"head": [[-1, 1, "Conv", [8, 1, 1]]]}, "last layer is Detect"),
        ({"head": [[-1, 1, "os.system", ["true"]]]}, "not known"),
        ({"head": [[-1, 1, "Detect", ["__import__('os')"]]]}, "not known"),
        ({"head": [[-1, 10**6, "Detect", ["nc"]]]}, "not known"),
        ({"head": [[-1, 1, ["Detect"], ["nc"]]]}, "not known"),
        ({"head": ["Detect"]}, "not known"),
        ({"scales": {"n": [0.5, 0.25, 1024]}}, "none of its scales"),
        ({"scales": {"n": [0.5]}, "scale": "n"}, "none of its scales"),
        ({"width_multiple": "wide"}, "none of its scales"),
    ],
)
def test_another_definition_is_refused_with_its_reason(changed, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        model_file.read(yolo_files.written(tmp_path, b"weights", **changed))


@pytest.mark.parametrize("text", ["[", "text", "!!python/object/apply:os.system [x]", "- 1"])
def test_a_file_that_defines_nothing_is_refused(text, tmp_path):
    path = yolo_files.written(tmp_path, b"weights")
    path.with_suffix(".yaml").write_text(text)

    with pytest.raises(ValueError, match=r"inks\.yaml is no"):
        model_file.read(path)


def test_weights_without_a_definition_beside_them_are_refused(tmp_path):
    path = yolo_files.written(tmp_path, b"weights")
    path.with_suffix(".yaml").unlink()

    with pytest.raises(ValueError, match=r"inks\.yaml, is not beside it"):
        model_file.read(path)


def test_what_the_package_defines_itself_is_taken():
    text = "[-1, 2, C3k2, [256, False, 0.25]]"
    whole = {
        "scales": {"n": [0.5, 0.25, 1024]},
        "scale": "n",
        "backbone": [yaml.safe_load(text), [-1, 1, "nn.Upsample", ["None", 2, "nearest"]]],
        "head": [[[0, 1], 1, "Concat", [1]], [[0, 2], 1, "Detect", ["nc"]]],
    }

    assert definition.checked(whole, 7) == {**whole, "nc": 7}
