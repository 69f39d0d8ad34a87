"""Boxes as a label type: read, agreed on, written, compared."""

import pytest
from label_studio_sdk.label_interface import LabelInterface

from mlapi import label_types
from mlapi.domain import Prediction, ScoredValue, TargetSpec
from mlapi.exports import dataset
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.labelstudio import label_config, results
from mlapi.labelstudio.consensus import annotation_labels, consensus

ONE_TAG = (
    '<View><Image name="img" value="$image"/><RectangleLabels name="box" toName="img">'
    '<Label value="cat"/><Label value="dog" alias="d"/></RectangleLabels></View>'
)
TWO_TAGS = (
    '<View><Image name="img" value="$image"/><Rectangle name="shape" toName="img"/>'
    '<Labels name="box" toName="img"><Label value="cat"/><Label value="dog"/></Labels></View>'
)
BOXES = label_types.get("boxes")
SPEC = TargetSpec(
    "box", "img", "Image", "image", "boxes", ("cat", "dog"), control_tag="RectangleLabels"
)


def region(label, x, y, width, height, **changed):
    return {
        "id": changed.pop("id", "r1"),
        "from_name": "box",
        "type": "rectanglelabels",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "value": {
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "rotation": 0,
            "rectanglelabels": [label],
            **changed,
        },
    }


def box(label, x, y, width, height, **more):
    return LabelledBox(label, Rectangle(x, y, width, height), **more)


def read(*regions, spec=SPEC):
    return annotation_labels({"id": 1, "result": list(regions)}, [spec]).get("box")


def test_a_region_is_a_box_with_its_label_and_the_size_of_its_image():
    assert read(region("cat", 10, 20, 30, 40)) == (box("cat", 10, 20, 30, 40, size=(200, 100)),)
    assert read() == ()
    stored = BOXES.to_json(read(region("cat", 10, 20, 30, 40)))
    assert stored == [
        {"class": "cat", "x": 10, "y": 20, "width": 30, "height": 40, "size": [200, 100]}
    ]
    assert BOXES.from_json(stored) == read(region("cat", 10, 20, 30, 40))


@pytest.mark.parametrize("stored", ["cat", {"x": 1}, [{"x": 1}], [["cat"]], [{"class": "cat"}]])
def test_a_value_that_is_no_list_of_boxes_is_none(stored):
    assert BOXES.from_json(stored) is None


def test_a_rotated_box_is_its_upright_hull_in_pixels_that_are_square():
    # 20 x 20 pixels of 200 x 100, turned by a quarter about the top left corner: to its left.
    (turned,) = read(region("cat", 50, 50, 10, 20, rotation=90))
    assert turned.place == pytest.approx((40, 50, 10, 20), abs=0.01)
    (tilted,) = read(region("cat", 50, 50, 10, 20, rotation=45))
    assert tilted.place.width == pytest.approx(10 * 2**0.5, abs=0.01)
    assert tilted.place.height == pytest.approx(20 * 2**0.5, abs=0.01)


def test_a_box_is_cut_to_the_image_and_one_without_an_area_there_is_none():
    assert read(region("cat", -10, 90, 30, 40)) == (box("cat", 0, 90, 20, 10, size=(200, 100)),)
    assert read(region("cat", 120, 0, 10, 10)) is None
    assert read(region("cat", 10, 10, 0, 10)) is None
    assert read(region("cat", "10", None, 5, float("nan"))) is None
    boxes = read(region("cat", 10, 10, 0, 10), region("dog", 0, 0, 10, 10))
    assert [one.label for one in boxes] == ["dog"]


def test_a_label_that_left_the_config_takes_its_boxes_only():
    both = region("cat", 10, 10, 10, 10), region("bird", 50, 50, 10, 10)
    assert [one.label for one in read(*both)] == ["cat"]
    assert read(both[1]) is None


def test_a_thousand_boxes_are_read_agreed_on_and_compared():
    many = [region("cat", 3 * (i % 32), 3 * (i // 32), 2, 2) for i in range(1_000)]
    value = read(*many)
    assert len(value) == 1_000
    assert BOXES.consensus([value, value, value]) == value
    assert BOXES.agreement(value, value) == 1.0
    (metric, *_) = BOXES.metrics(
        label_types.base.Evaluated([value], [BOXES.value([ScoredValue(b, 0.5) for b in value])], [])
    )
    assert (metric.name, metric.value) == ("map_50", pytest.approx(1.0))


def test_annotators_agree_on_each_object_by_majority():
    def vote(number, *regions):
        return {"id": number, "completed_by": number, "result": list(regions)}

    near = [region("cat", 10 + n, 10, 20, 20) for n in (0, 1, 2)]
    far = region("dog", 60, 60, 20, 20)
    agreed, ties = consensus(
        [vote(1, near[0], far), vote(2, near[1], far), vote(3, near[2])], [SPEC]
    )
    assert ties == []
    assert [(b["class"], b["x"]) for b in agreed["box"]] == [("cat", 11), ("dog", 60)]
    # One of three drew it.
    agreed, _ = consensus([vote(1, near[0], far), vote(2, near[1]), vote(3, near[2])], [SPEC])
    assert [b["class"] for b in agreed["box"]] == ["cat"]
    # One of two, and two labels of one object.
    assert consensus([vote(1, far), vote(2)], [SPEC]) == ({}, ["box"])
    other = region("dog", 10, 10, 20, 20)
    assert consensus([vote(1, near[0]), vote(2, other)], [SPEC]) == ({}, ["box"])
    labelled, _ = consensus([vote(1, near[0]), vote(2, other), vote(3, near[1])], [SPEC])
    assert [b["class"] for b in labelled["box"]] == ["cat"]


def _answer(spec, *boxes):
    regions = tuple(ScoredValue(one, 0.9) for one in boxes)
    return {spec.name: Prediction(spec.name, "boxes", regions, 0.9)}


def test_a_prediction_is_valid_under_label_studios_own_validation():
    config = label_config.parse(ONE_TAG)
    drawn = box("d", 0, 0, 100, 100, size=(200, 100)), box("cat", 5, 5, 1, 1)
    found = results.prediction(_answer(SPEC, *drawn), config, "v1")
    assert LabelInterface(ONE_TAG).validate_prediction(found, return_errors=True) == []
    first, second = found["result"]
    assert (first["original_width"], first["original_height"]) == (200, 100)
    assert (first["image_rotation"], first["value"]["rotation"]) == (0, 0)
    assert first["value"]["rectanglelabels"] == ["d"]  # the alias, as the editor writes it
    assert "original_width" not in second
    assert results.prediction(_answer(SPEC, box("bird", 0, 0, 1, 1)), config, "v1") is None


def test_rectangle_and_labels_are_two_results_with_one_id():
    config = label_config.parse(TWO_TAGS)
    spec = TargetSpec("box", "img", "Image", "image", "boxes", ("cat", "dog"), control_tag="Labels")
    assert label_types.of_control(config.control("box")).name == "boxes"
    drawn = box("cat", 5, 5, 10, 10, size=(200, 100)), box("dog", 50, 50, 10, 10, size=(200, 100))
    found = results.prediction(_answer(spec, *drawn), config, "v1")
    assert LabelInterface(TWO_TAGS).validate_prediction(found, return_errors=True) == []
    written = [(r["id"], r["from_name"], r["type"]) for r in found["result"]]
    (a, *_), (b, *_), (c, *_), (d, *_) = written
    assert (a, c) == (b, d) and a != c
    assert [one[1:] for one in written] == [("shape", "rectangle"), ("box", "labels")] * 2
    assert read(*found["result"], spec=spec) == drawn

    # As it is stored where the label's result has no shape of its own.
    bare = [{**r, "value": {"labels": r["value"]["labels"]}} if r["type"] == "labels" else r
            for r in found["result"]]  # fmt: skip
    assert read(*bare, spec=spec) == drawn


def test_a_learned_value_is_exported_as_it_was_drawn():
    """The form that Label Studio imports, with one id for the shape and its label."""
    drawn = box("cat", 5, 5, 10, 10, size=(200, 100)), box("dog", 50, 50, 10, 10, size=(200, 100))
    spec = TargetSpec("box", "img", "Image", "image", "boxes", ("cat", "dog"), control_tag="Labels")
    labels = {"box": BOXES.to_json(drawn)}
    config = label_config.parse(TWO_TAGS)
    (annotation,) = dataset._annotations(labels, {"box": "boxes"}, {}, config)
    ids = [result["id"] for result in annotation["result"]]
    assert ids == ["box-1", "box-1", "box-2", "box-2"]
    assert read(*annotation["result"], spec=spec) == drawn


def test_labels_of_a_text_are_no_boxes():
    config = TWO_TAGS.replace("<Image", "<Text").replace("$image", "$text")
    config = config.replace('<Rectangle name="shape" toName="img"/>', "")
    assert label_types.of_control(label_config.parse(config).control("box")) is None


def test_agreement_is_the_f1_of_objects_and_candidates_are_not_served():
    cat, dog = box("cat", 0, 0, 20, 20), box("dog", 50, 50, 20, 20)
    assert BOXES.agreement((), ()) == 1.0
    assert BOXES.agreement((cat, dog), (cat, dog)) == 1.0
    assert BOXES.agreement((cat,), (cat, dog)) == pytest.approx(2 / 3)
    assert BOXES.agreement((box("dog", 0, 0, 20, 20),), (cat,)) == 0.0
    weak = box("dog", 50, 50, 20, 20, score=0.1, candidate=True)
    assert BOXES.agreement((cat, weak), (cat,)) == 1.0
    assert BOXES.classes((cat, weak)) == ["cat"]
    assert BOXES.write([ScoredValue(weak, 0.1)], label_config.parse(ONE_TAG).control("box")) is None
    assert BOXES.renamed((cat,), {"cat": "lion"}) == (box("lion", 0, 0, 20, 20),)


def test_objects_are_paired_by_label_first_and_what_is_alone_is_background():
    cat, dog = box("cat", 0, 0, 20, 20), box("dog", 1, 1, 20, 20)
    assert sorted(BOXES.pairs((dog, cat), (cat, dog))) == [("cat", "cat"), ("dog", "dog")]
    wrong = box("dog", 0, 0, 20, 20), box("cat", 70, 70, 10, 10)
    lost = box("dog", 40, 40, 10, 10)
    assert sorted(BOXES.pairs(wrong, (cat, lost))) == [("", "cat"), ("cat", "dog"), ("dog", "")]
    assert BOXES.pairs(None, (cat,)) == [("cat", "")]
