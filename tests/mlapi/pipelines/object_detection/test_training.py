"""Trainings with too few boxes, with an engine that fails, and with one that is late."""

import time
from itertools import count

import numpy as np
import pytest

from mlapi.domain import InputError, TargetSpec, TrainingFailed
from mlapi.images.features import SizedImage
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection import dataset, training
from mlapi.pipelines.object_detection.examples import AnnotatedImage
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressReader, ProgressWriter
from tests.mlapi.pipelines.object_detection import inks

SPEC = TargetSpec("box", "img", "Image", "image", "boxes", ("red", "blue"))


_files = count()


def _drawn(*labels, file=None):
    boxes = tuple(LabelledBox(label, Rectangle(10, 10, 20, 20)) for label in labels)
    file = str(next(_files)) if file is None else file
    return AnnotatedImage(file, SizedImage(np.zeros((20, 20, 3), np.uint8), (20, 20)), boxes)


def _job(tmp_path, **changes):
    return TrainingJob(tmp_path, 1, 1, 1, "object_detection", (SPEC,), **changes)


def _log(reader):
    return [line["log"] for line in reader.new() if "log" in line]


@pytest.fixture
def progress(tmp_path):
    return ProgressWriter(tmp_path)


def test_a_label_of_one_image_only_is_left_out_with_its_boxes(tmp_path, progress):
    reader = ProgressReader(tmp_path)
    tasks = [_drawn("red"), _drawn("red", "blue"), _drawn()]
    spec, drawn = training._learnable(SPEC, tasks, (), progress)
    assert spec.labels == ("red",)
    assert [[box.label for box in one.boxes] for one in drawn] == [["red"], ["red"], []]
    assert [line["log"] for line in reader.new()] == [
        "box: blue is not learned: it is in 1 training image only."
    ]


def test_a_label_that_the_model_knows_before_needs_no_image(progress):
    tasks = [_drawn("red"), _drawn("red")]

    spec, _ = training._learnable(SPEC, tasks, ("blue",), progress)

    assert spec.labels == ("red", "blue")


@pytest.mark.parametrize("tasks", [[], [_drawn("red", "red")], [_drawn("red"), _drawn("blue")]])
def test_one_image_is_too_few(tasks, progress):
    with pytest.raises(TrainingFailed) as raised:
        training._learnable(SPEC, tasks, (), progress)
    assert raised.value.code == "not_enough_labels"
    assert raised.value.hint == "Draw boxes on more images."


def test_an_exception_of_the_engine_is_the_reason():
    class Failing(inks.Inks):
        def train(self, examples, labels, *, seed, deadline):
            raise ZeroDivisionError("no pixel")

    with pytest.raises(TrainingFailed, match=r"inks could not learn: ZeroDivisionError: no pixel"):
        training._fit(Failing(), [_drawn("red")] * 2, SPEC, 0, time.monotonic() + 60)


def test_an_engine_is_ended_at_the_end_of_its_time():
    with pytest.raises(TrainingFailed, match=r"did not come to an end within the time of the run"):
        training._fit(inks.Inks(), [_drawn("red")] * 2, SPEC, 0, time.monotonic() - 1)


def test_thresholds_are_chosen_on_a_quarter_of_enough_images():
    many = [_drawn("red", "blue") for _ in range(20)]
    rest, validation = training._split(many, SPEC.labels, seed=1)
    assert (len(rest), len(validation)) == (15, 5)
    assert training._split(many[:7], SPEC.labels, seed=1)[1] == []
    rare = [_drawn("red")] * 18 + [_drawn("blue")] * 2
    rest, validation = training._split(rare, SPEC.labels, seed=1)
    assert validation == [] or sum(box.label == "blue" for one in rest for box in one.boxes) == 2


def test_the_time_budget_of_automl_does_not_decide_how_thresholds_are_chosen(tmp_path, progress):
    reader = ProgressReader(tmp_path)
    many = [_drawn("red", "blue") for _ in range(20)]

    learned = training._learn(_job(tmp_path, time_budget_s=0), SPEC, inks.Inks(), many, progress)

    assert learned.candidate.note == "Scored on 5 images that it had not seen."
    assert "chosen on 5 images that it had not seen" in _log(reader)[-1]


def test_a_training_that_takes_too_much_of_the_time_limit_is_not_followed_by_another(
    tmp_path, progress
):
    class Slow(inks.Inks):
        def train(self, examples, labels, *, seed, deadline):
            time.sleep(0.4)
            return super().train(examples, labels, seed=seed, deadline=deadline)

    many = [_drawn("red", "blue") for _ in range(20)]

    learned = training._learn(_job(tmp_path, time_limit_s=1), SPEC, Slow(), many, progress)

    assert learned.candidate.note == "Scored on the images that it learned from."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrainingFailed("not_fitted", "inks is late."), "inks is late."),
        (ValueError("no pixel"), "inks could not learn: ValueError: no pixel"),
        (MemoryError(), "The memory is too small."),
    ],
)
def test_a_failure_without_the_validation_images_leaves_the_detector(
    error, reason, tmp_path, progress
):
    class FailingOnFewer(inks.Inks):
        def train(self, examples, labels, *, seed, deadline):
            if len(examples) < len(many):
                raise error
            return super().train(examples, labels, seed=seed, deadline=deadline)

    reader = ProgressReader(tmp_path)
    many = [_drawn("red", "blue") for _ in range(20)]

    learned = training._learn(_job(tmp_path), SPEC, FailingOnFewer(), many, progress)

    assert learned.target.detector.labels == ["red", "blue"]
    assert learned.candidate.note == "Scored on the images that it learned from."
    failed, chosen = _log(reader)
    assert failed == f"box: not trained again without the validation images. {reason}"
    assert "chosen on the images that it learned from" in chosen


def test_what_validates_leaves_a_box_to_learn_from_where_the_model_knows_all_labels():
    one = [_drawn("red"), *(_drawn() for _ in range(7))]
    for seed in range(20):
        rest, _ = training._split(one, (), seed)
        assert any(image.boxes for image in rest)


def test_tasks_with_the_same_image_are_on_one_side_of_the_split():
    twice = [_drawn("red", "blue", file=f"images/{n % 10}") for n in range(20)]
    for seed in range(5):
        rest, validation = training._split(twice, SPEC.labels, seed)
        assert (len(rest), len(validation)) == (16, 4)
        assert {one.file for one in rest}.isdisjoint(one.file for one in validation)
    few = [_drawn("red", "blue", file=f"images/{n % 7}") for n in range(20)]
    assert training._split(few, SPEC.labels, seed=1)[1] == []


def test_the_split_is_the_same_whatever_the_files_are_named():
    def taken(names):
        tasks = [_drawn("red", "blue", file=name) for name in names]
        _, validation = training._split(tasks, SPEC.labels, seed=1)
        return [tasks.index(one) for one in validation]

    assert taken("abcdefghijkl") == taken("lkjihgfedcba")


@pytest.mark.parametrize(
    ("before", "now", "fits"),
    [
        ((640, 480), (640, 480), True),
        ((640, 480), (320, 240), True),
        ((641, 480), (320, 240), True),
        ((640, 480), (480, 640), False),
        ((640, 480), (640, 400), False),
    ],
)
def test_boxes_belong_to_an_image_of_the_same_proportions(before, now, fits):
    boxes = [LabelledBox("red", Rectangle(0, 0, 10, 10), before)]
    if fits:
        dataset.check_size(boxes, now)
    else:
        with pytest.raises(InputError) as raised:
            dataset.check_size(boxes, now)
        assert raised.value.code == "image_changed"
    dataset.check_size([LabelledBox("red", Rectangle(0, 0, 10, 10))], now)
