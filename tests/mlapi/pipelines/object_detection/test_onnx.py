"""A network of an ONNX file: what it finds, and what is no such file."""

import numpy as np
import pytest

from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.engines.onnx import detector
from mlapi.pipelines.object_detection.engines.onnx.detector import OnnxDetector
from tests.mlapi.pipelines.object_detection import onnx_files, squares


def is_inside(box, objects) -> bool:
    """Whether the middle of the box is in an object of its label."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return any(
        box.label == label and left <= x <= right and top <= y <= bottom
        for label, left, top, right, bottom in objects
    )


@pytest.mark.parametrize("size", [(160, 120), (320, 320), (96, 96)])
def test_objects_are_found_where_they_are_whatever_the_size_of_the_input(size):
    network = OnnxDetector(onnx_files.red_and_blue(size=size))

    for scene in map(squares.scene, range(12)):
        found = [box for box in network.detect(scene.image) if box.score >= 0.9]
        assert all(is_inside(box, scene.objects) for box in found)
        if size == (320, 320):
            assert {box.label for box in found} == {label for label, *_ in scene.objects}


def test_red_is_not_blue():
    network = OnnxDetector(onnx_files.red_and_blue())
    scene = squares.scene(1)
    swapped = np.ascontiguousarray(scene.image[..., ::-1])

    assert {box.label for box in network.detect(scene.image) if box.score > 0.9} == {"red"}
    assert {box.label for box in network.detect(swapped) if box.score > 0.9} == {"blue"}


def test_it_is_stored_as_numbers_and_finds_the_same_again():
    first = OnnxDetector(onnx_files.red_and_blue())
    image = squares.scene(2).image

    again = ENGINES["onnx"].restore(first.header(), first.arrays())

    assert first.detect(image) and again.detect(image) == first.detect(image)
    with pytest.raises(ValueError, match="other classes"):
        ENGINES["onnx"].restore({"labels": ["cat"]}, first.arrays())
    with pytest.raises(ValueError, match="no file"):
        ENGINES["onnx"].restore(first.header(), {"file": np.zeros((2, 2))})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no ONNX file"),
        (b"\x80\x04\x95pickled", "no ONNX file"),
        (onnx_files.red_and_blue()[:500], "no ONNX file"),
        (onnx_files.red_and_blue(names=""), "no names of classes"),
        (onnx_files.red_and_blue(names="__import__('os')"), "no names of classes"),
        (onnx_files.red_and_blue(names="{[]: 'a'}"), "no names of classes"),
        (onnx_files.red_and_blue(shape=(19_200,)), "no ONNX file of a network that reads images"),
        (onnx_files.red_and_blue(("a", "b", "c")), "does not fit 3 classes"),
        (onnx_files.red_and_blue(layout="other"), "does not fit 2 classes"),
    ],
)
def test_a_file_that_is_no_network_of_yolo_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        OnnxDetector(content)


def test_the_layouts_of_other_exporters_are_read():
    """(n, 5 + classes) with a probability of an object, and (n, 6) of selected boxes."""
    five = np.zeros((1, 30, 7), np.float32)
    five[0, 3] = [50, 40, 20, 10, 0.5, 0.2, 0.8]
    boxes, scores = detector._read(five, 2)
    assert boxes[3].tolist() == [40, 35, 60, 45]
    assert scores[3].tolist() == pytest.approx([0.1, 0.4])

    selected = np.zeros((1, 30, 6), np.float32)
    selected[0, 1] = [10, 20, 30, 40, 0.9, 1]
    boxes, scores = detector._read(selected, 2)
    assert boxes[1].tolist() == [10, 20, 30, 40]
    assert scores[1].tolist() == pytest.approx([0, 0.9])
