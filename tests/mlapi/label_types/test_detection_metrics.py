"""mAP by COCO's rules: held to pycocotools' own sums, and weighted as a bootstrap needs it."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mlapi import label_types
from mlapi.label_types.base import Evaluated
from mlapi.label_types.detection_metrics import DetectionScores
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from registry.metrics import Direction, metric_info

LABELS = ("cat", "dog", "cow")
TASKS = 60


def _box(rng, label, near=None, score=None):
    if near is None:
        place = Rectangle(*rng.uniform(0, 50, 2), *rng.uniform(5, 40, 2))
    else:
        place = Rectangle(*(np.array(near.place) + rng.normal(0, 2, 4)).tolist())
    return LabelledBox(label, place, score=score)


@pytest.fixture(scope="module")
def scenes():
    """Humans' boxes, and a model's that misses, mistakes and invents some."""
    rng = np.random.default_rng(7)
    humans, predicted = [], []
    for _ in range(TASKS):
        human = [_box(rng, str(rng.choice(LABELS))) for _ in range(rng.integers(0, 5))]
        found = [
            _box(rng, b.label if rng.random() < 0.8 else "dog", b, float(rng.random()))
            for b in human
            if rng.random() < 0.8
        ]
        found += [_box(rng, "cow", score=float(rng.random())) for _ in range(rng.integers(0, 3))]
        humans.append(tuple(human))
        predicted.append(tuple(found))
    return humans, predicted


def _coco(values, number):
    boxes = [(i, b) for i, value in enumerate(values, start=1) for b in value]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i} for i in range(1, len(values) + 1)],
        "categories": [{"id": i} for i in number.values()],
        "annotations": [
            {
                "id": n,
                "image_id": i,
                "category_id": number[b.label],
                "bbox": list(b.place),
                "area": b.place.width * b.place.height,
                "iscrowd": 0,
                "score": b.score,
            }
            for n, (i, b) in enumerate(boxes, start=1)
        ],
    }
    coco.createIndex()
    return coco


def _of_coco(humans, predicted):
    """The evaluation as pycocotools itself does all of it, with its own settings."""
    number = {label: i for i, label in enumerate(sorted(LABELS), start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_coco(humans, number), _coco(predicted, number), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def test_the_metrics_are_cocos(scenes):
    humans, predicted = scenes
    coco = _of_coco(humans, predicted)
    rows = label_types.get("boxes").metrics(Evaluated(humans, predicted, LABELS))
    found = {(row.name, row.label, row.step): row.value for row in rows}

    assert found["map_50", "", 0] == pytest.approx(coco.stats[1], abs=1e-9)
    assert found["map_50_95", "", 0] == pytest.approx(coco.stats[0], abs=1e-9)
    precision = coco.eval["precision"]  # (overlap, recall, label, area, most)
    for i, label in enumerate(sorted(LABELS)):
        assert found["ap_50", label, 0] == pytest.approx(precision[0, :, i, 0, -1].mean())
        curve = [found["precision_at_recall", label, step] for step in range(0, 101, 5)]
        assert curve == pytest.approx(precision[0, ::5, i, 0, -1].tolist())


def test_a_weight_is_how_often_a_task_was_drawn(scenes):
    humans, predicted = scenes
    weights = np.random.default_rng(1).multinomial(TASKS, np.ones(TASKS) / TASKS, size=5)
    found = DetectionScores(humans, predicted).map_50(weights)
    for drawn, value in zip(weights, found, strict=True):
        places = np.repeat(np.arange(TASKS), drawn)
        again = _of_coco([humans[i] for i in places], [predicted[i] for i in places])
        assert value == pytest.approx(again.stats[1], abs=1e-9)


def test_two_versions_are_compared_by_map(scenes):
    humans, predicted = scenes
    scores = label_types.get("boxes").scores(humans, [None, *predicted[1:]])
    assert list(scores) == ["map_50"]
    (value,) = scores["map_50"](np.ones((1, TASKS)))
    assert value == pytest.approx(_of_coco(humans, [(), *predicted[1:]]).stats[1], abs=1e-9)


def test_without_a_humans_box_it_is_undefined():
    some = LabelledBox("cat", Rectangle(0, 0, 10, 10), score=0.5)
    scores = DetectionScores([(), ()], [(some,), ()])
    assert np.isnan(scores.map_50(np.ones((3, 2)))).all()
    rows = label_types.get("boxes").metrics(Evaluated([()], [(some,)], ["cat"]))
    assert {row.value for row in rows if row.name.startswith("map")} == {None}
    none_drawn = DetectionScores([(some,)], [None])
    assert none_drawn.map_50(np.array([[1.0], [0.0]])).tolist() == [
        0.0,
        pytest.approx(np.nan, nan_ok=True),
    ]


def test_precision_and_recall_are_of_what_is_served():
    human = (
        LabelledBox("cat", Rectangle(0, 0, 20, 20)),
        LabelledBox("dog", Rectangle(50, 50, 20, 20)),
    )
    found = (
        LabelledBox("cat", Rectangle(0, 0, 20, 20), score=0.9),
        LabelledBox("cat", Rectangle(70, 0, 20, 20), score=0.8),
        LabelledBox("dog", Rectangle(50, 50, 20, 20), score=0.1, candidate=True),
    )
    rows = label_types.get("boxes").metrics(Evaluated([human], [found], ["cat", "dog"]))
    values = {(row.name, row.label): row.value for row in rows if not row.step}
    assert (values["precision", "cat"], values["recall", "cat"]) == (0.5, 1.0)
    assert (values["precision", "dog"], values["recall", "dog"]) == (None, 0.0)
    assert values["ap_50", "dog"] == pytest.approx(1.0)  # the candidates count for it


def test_more_is_better():
    for name in ("map_50", "map_50_95", "ap_50"):
        assert metric_info(name).direction == Direction.HIGHER
    assert metric_info("map_50").title == "mAP@50"
    assert metric_info("score_threshold").direction == Direction.NEITHER
