"""The engine `patches`: what it learns of scenes, and of data that is unlike them."""

from dataclasses import replace

import numpy as np
import pytest

from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample, Detector
from tests.mlapi.pipelines.object_detection import scenes
from tests.mlapi.pipelines.object_detection.average_precision import (
    average_precisions,
    mean_average_precision,
)

ENGINE = ENGINES["patches"]
ON_PHOTOGRAPHS = pytest.mark.parametrize(
    "photographs",
    [
        scenes.two_photographs,
        pytest.param(
            scenes.ten_photographs,
            marks=pytest.mark.skipif(
                not scenes.has_ten_photographs(),
                reason="needs scikit-image: pip install -r requirements-dev.txt",
            ),
        ),
    ],
)


def trained_detector(
    examples: list[DetectionExample], labels: tuple[str, ...], seed: int = 0
) -> Detector:
    return ENGINE.train(examples, labels, seed=seed, deadline=lambda: None)


def found(detector: Detector, examples: list[DetectionExample]) -> list[list[Box]]:
    return [detector.detect(example.image) for example in examples]


@pytest.fixture(scope="module")
def detector_of_shapes() -> Detector:
    return trained_detector(scenes.shape_scenes(12, 0), scenes.SHAPES)


def test_it_can_be_used_with_the_base_install():
    assert ENGINE.missing() is None


@pytest.mark.nightly
@ON_PHOTOGRAPHS
def test_fifty_images_of_rigid_shapes_are_enough(photographs):
    test = scenes.shape_scenes(60, 0, test=True, photographs=photographs)
    detector = trained_detector(scenes.shape_scenes(50, 0, photographs=photographs), scenes.SHAPES)

    assert mean_average_precision(test, found(detector, test), scenes.SHAPES) >= 0.8


@pytest.mark.nightly
@ON_PHOTOGRAPHS
def test_fifty_images_of_handwritten_digits_are_enough(photographs):
    test = scenes.digit_scenes(60, 0, test=True, photographs=photographs)
    detector = trained_detector(scenes.digit_scenes(50, 0, photographs=photographs), scenes.DIGITS)

    assert mean_average_precision(test, found(detector, test), scenes.DIGITS) >= 0.6


def test_a_dozen_images_of_shapes_are_learned_also_what_differs_in_colour_only(detector_of_shapes):
    test = scenes.shape_scenes(20, 0, test=True)

    means = average_precisions(test, found(detector_of_shapes, test), scenes.SHAPES)

    assert sum(means.values()) / len(means) >= 0.7
    # With the channels of colour in another order, red is blue.
    swapped = [replace(e, image=np.ascontiguousarray(e.image[..., ::-1])) for e in test]
    mistaken = average_precisions(swapped, found(detector_of_shapes, swapped), scenes.SHAPES)
    for label in scenes.COLOURED:
        assert means[label] >= 0.7
        assert mistaken[label] <= 0.1


def test_boxes_are_the_best_first_within_the_image_with_scores_of_0_to_1(detector_of_shapes):
    (scene,) = scenes.shape_scenes(1, 5, test=True)
    height, width = scene.image.shape[:2]

    boxes = detector_of_shapes.detect(scene.image)

    scores = [box.score for box in boxes]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    for box in boxes:
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height


def test_an_image_twice_as_large_has_boxes_twice_as_large(detector_of_shapes):
    (scene,) = scenes.shape_scenes(1, 3, test=True, side=640)
    large = scene.image.repeat(2, axis=0).repeat(2, axis=1)

    best, best_of_large = (
        detector_of_shapes.detect(scene.image)[0],
        detector_of_shapes.detect(large)[0],
    )

    assert best.label == best_of_large.label
    for side in ("left", "top", "right", "bottom"):
        assert getattr(best_of_large, side) == pytest.approx(2 * getattr(best, side), abs=8)


def test_an_image_of_any_size_has_an_answer(detector_of_shapes):
    for height, width in ((1, 1), (3, 700), (700, 3), (5, 5)):
        assert isinstance(detector_of_shapes.detect(np.zeros((height, width, 3), np.uint8)), list)


def test_it_is_restored_from_its_arrays(detector_of_shapes):
    (scene,) = scenes.shape_scenes(1, 4, test=True)

    restored = ENGINE.restore(detector_of_shapes.header(), detector_of_shapes.arrays())

    assert restored.detect(scene.image) == detector_of_shapes.detect(scene.image)
    assert all(a.dtype == np.float32 for a in detector_of_shapes.arrays().values())


@pytest.mark.parametrize("change", ["no labels", "no array", "shape", "no templates"])
def test_an_artifact_that_is_no_detector_is_not_restored(detector_of_shapes, change):
    header, arrays = detector_of_shapes.header(), detector_of_shapes.arrays()
    if change == "no labels":
        del header["labels"]
    elif change == "no array":
        del arrays["mean"]
    elif change == "shape":
        arrays["boxes_out"] = arrays["boxes_out"][:, :3]
    else:
        header["n_templates"] = 0

    with pytest.raises(ValueError, match="No detector of patches"):
        ENGINE.restore(header, arrays)


def test_one_image_is_learned_the_same_with_the_same_seed():
    examples = scenes.shape_scenes(1, 3)
    (scene,) = scenes.shape_scenes(1, 5, test=True)

    first, again, other = (trained_detector(examples, scenes.SHAPES, seed) for seed in (1, 1, 2))

    assert first.detect(scene.image) == again.detect(scene.image) != other.detect(scene.image)


def test_one_label_without_any_colour_is_learned():
    label = scenes.SHAPES[2:]
    test = scenes.grey(scenes.shape_scenes(12, 0, test=True, labels=label))
    detector = trained_detector(scenes.grey(scenes.shape_scenes(6, 0, labels=label)), label)

    assert mean_average_precision(test, found(detector, test), label) >= 0.6


def test_a_crowd_is_found():
    detector = trained_detector([scenes.crowd(80)], scenes.COLOURED)
    test = [scenes.crowd(70)]

    assert mean_average_precision(test, found(detector, test), scenes.COLOURED) >= 0.6


@pytest.mark.nightly
def test_a_crowd_of_a_thousand_is_found():
    detector = trained_detector([scenes.crowd(1000)], scenes.COLOURED)
    test = [scenes.crowd(900)]

    assert mean_average_precision(test, found(detector, test), scenes.COLOURED) >= 0.6


def test_boxes_that_leave_the_image_or_have_no_area_do_no_harm():
    (scene,) = scenes.shape_scenes(1, 3)
    odd = (
        Box("red disc", -50, -50, -10, -10),
        Box("red disc", 20, 20, 20, 20),
        Box("red disc", 60, 60, 40, 40),
        Box("unknown", 10, 10, 60, 60),
    )

    detector = trained_detector([replace(scene, boxes=(*scene.boxes, *odd))], scenes.SHAPES)

    assert {box.label for box in detector.detect(scene.image)[:1]} <= set(scenes.SHAPES)


def test_objects_that_fill_their_images_are_found_where_they_are():
    def filled(scene: DetectionExample) -> DetectionExample:
        height, width = scene.image.shape[:2]
        return replace(scene, boxes=(Box("photograph", 0, 0, width, height),))

    examples = [filled(scene) for scene in scenes.shape_scenes(4, 0, side=160)]
    detector = trained_detector(examples, ("photograph",))

    best = detector.detect(examples[0].image)[0]

    height, width = examples[0].image.shape[:2]
    assert best.right - best.left > 0.8 * width
    assert best.bottom - best.top > 0.8 * height


def test_nothing_is_learned_without_a_box():
    (scene,) = scenes.shape_scenes(1, 3)

    with pytest.raises(ValueError, match="No box"):
        trained_detector([replace(scene, boxes=(Box("red disc", 9, 9, 9, 9),))], scenes.SHAPES)


def test_the_deadline_ends_the_training():
    class OutOfTime(Exception):
        pass

    calls = []

    def deadline():
        calls.append(None)
        if len(calls) == 20:
            raise OutOfTime

    with pytest.raises(OutOfTime):
        ENGINE.train(scenes.shape_scenes(6, 0), scenes.SHAPES, seed=0, deadline=deadline)
    assert len(calls) == 20
