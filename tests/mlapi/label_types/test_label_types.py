"""The label types of controls, and what stays as it was stored before they had names."""

import pytest

from mlapi import label_types, pipelines
from mlapi.label_types import LABEL_TYPES
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.labelstudio.label_config import parse
from registry.metrics import METRICS

CHOICE = '<Choice value="x"/><Choice value="y"/>'
CONTROLS = [
    (f'<Choices name="a" toName="t">{CHOICE}</Choices>', "choice"),
    (f'<Choices name="a" toName="t" choice="multiple">{CHOICE}</Choices>', "choices"),
    (f'<Taxonomy name="a" toName="t">{CHOICE}</Taxonomy>', "taxonomy"),
    (f'<Taxonomy name="a" toName="t" maxUsages="1">{CHOICE}</Taxonomy>', "taxonomy_choice"),
    ('<Rating name="a" toName="t"/>', "choice"),
    ('<Pairwise name="a" toName="t,u"/>', "choice"),
    ('<TextArea name="a" toName="t"/>', "text"),
]


@pytest.mark.parametrize(("xml", "name"), CONTROLS)
def test_a_control_has_the_label_type_of_what_is_written_into_it(xml, name):
    (control,) = parse(f"<View>{xml}</View>").controls
    assert label_types.of_control(control).name == name


def test_a_control_of_another_kind_has_no_label_type():
    (control,) = parse('<View><Number name="n" toName="t"/></View>').controls
    assert label_types.of_control(control) is None


@pytest.mark.parametrize(("xml", "name"), CONTROLS)
def test_the_shape_that_artifacts_have_and_the_tag_tell_the_label_type(xml, name):
    (control,) = parse(f"<View>{xml}</View>").controls
    assert label_types.with_shape(LABEL_TYPES[name].shape, control.tag) == name


def test_no_label_type_has_another_shape():
    assert label_types.with_shape("film", "Choices") is None


SEVERAL = (
    f'<View><Text name="t" value="$t"/><Choices name="a" toName="t">{CHOICE}</Choices>'
    f'<Choices name="b" toName="t" choice="multiple">{CHOICE}</Choices>'
    '<Taxonomy name="c" toName="t"><Choice value="x"><Choice value="y"/></Choice></Taxonomy>'
    f'<Taxonomy name="d" toName="t" maxUsages="1">{CHOICE}</Taxonomy>'
    '<Rating name="e" toName="t"/></View>'
)
CLUSTERS = {"cluster": "n"}
NAMES = '<View><Image name="i" value="$i"/><TextArea name="n" toName="i"/></View>'
PATHS = (
    f'<View><Image name="i" value="$i"/><Taxonomy name="n" toName="i">{CHOICE}</Taxonomy></View>'
)

ALIKE = {"automl": "off", "k": 3, "similar_to": "x"}
IMAGES = (
    f'<View><Image name="i" value="$i"/><Choices name="n" toName="i">{CHOICE}</Choices>'
    f'<Choices name="m" toName="i">{CHOICE}</Choices></View>'
)


@pytest.mark.parametrize(
    ("xml", "options", "fingerprint"),
    [
        (SEVERAL, {}, "654c987ce8532c45ad293afc6678366ac45afb9c571cca61802967c242801d49"),
        (NAMES, CLUSTERS, "ac5cffd39d047085b9632318f897c6723de416ae0368aceeeef8f10ce9ed31a4"),
        (IMAGES, ALIKE, "46bc82a2e96a6e379eda4aac2ac7a8c3727eae9ff6de6f722cd3916dc68cae00"),
        (PATHS, CLUSTERS, "14e8d82a90e79ed736188f8785579312d2bd3087f9d8ef1bc42c3c9a0806f0f3"),
    ],
)
def test_a_label_config_keeps_the_fingerprint_that_it_had(xml, options, fingerprint):
    """Another fingerprint would train every project again."""
    assert pipelines.fingerprint(pipelines.match(parse(xml), options)) == fingerprint


VALUES = [
    *((name, value) for name in ("choice", "taxonomy_choice", "text") for value in ("a", "b")),
    *((name, value) for name in ("choices", "taxonomy") for value in ((), ("a",), ("a", "b"))),
]


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_value_is_what_is_stored_and_predicted_of_it(name, value):
    label_type = LABEL_TYPES[name]
    predicted = label_type.prediction("t", value, 0.5)
    assert label_type.from_json(label_type.to_json(value)) == value
    assert label_types.value_of(predicted) == value
    assert label_types.classes_of(predicted) == list(value)
    assert len(predicted.regions) == bool(value)
    assert label_type.is_correct(value, value)
    assert not label_type.is_correct(None, value)


# Those of a place in an image are in test_boxes.py.
@pytest.mark.parametrize("name", [name for name, t in LABEL_TYPES.items() if not t.localized])
def test_a_value_is_read_through_renamed_labels(name):
    label_type, names = LABEL_TYPES[name], {"b": "c"}
    if label_type.shape == "single":
        assert [label_type.renamed(label, names) for label in "abc"] == ["a", "c", "c"]
    else:
        assert label_type.renamed(("a", "b", "c"), names) == ("a", "c")


@pytest.mark.parametrize("name", LABEL_TYPES)
def test_a_value_of_another_label_type_is_none(name):
    other = ["a"] if LABEL_TYPES[name].shape == "single" else "a"
    assert LABEL_TYPES[name].from_json(other) is None
    assert LABEL_TYPES[name].from_json(None) is None
    assert LABEL_TYPES[name].from_json({"x": 1}) is None


@pytest.mark.parametrize("name", LABEL_TYPES)
def test_versions_are_compared_by_a_metric_that_a_label_type_has(name):
    label_type = LABEL_TYPES[name]
    box = LabelledBox("a", Rectangle(0, 0, 10, 10), score=0.5)
    value = {"single": "a", "boxes": (box,)}.get(label_type.shape, ("a",))
    scores = label_type.scores([value], [value])
    assert next(iter(scores)) == label_type.metric
    assert scores.keys() <= METRICS.keys()
