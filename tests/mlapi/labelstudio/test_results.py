"""Predictions that Label Studio accepts, by its own validator."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from mlapi.domain import Answer, NoPrediction
from mlapi.labelstudio.label_config import parse
from mlapi.labelstudio.results import is_allowed, prediction

CONFIG = (
    '<View><Text name="text" value="$text"/>'
    '<Choices name="label" toName="text"><Choice value="Good" alias="g,1"/><Choice value="Bad"/>'
    '</Choices><Choices name="tags" toName="text" choice="multiple"><Choice value="x"/>'
    '<Choice value="y"/><Choice value="z &quot;q&quot;"/></Choices>'
    '<Choices name="part" toName="text" perRegion="true"><Choice value="A"/></Choices>'
    '<Choices name="tree" toName="text" allowNested="true"><Choice value="A"><Choice value="B"/>'
    "</Choice></Choices>"
    '<TextArea name="area" toName="text"/>'
    '<Taxonomy name="kinds" toName="text"><Choice value="Animal"><Choice value="Cat" alias="c"/>'
    '</Choice><Choice value="Car"/></Taxonomy></View>'
)


def prediction_of(*answers: Answer | NoPrediction, version="v1-abcdef"):
    return prediction({a.target: a for a in answers}, parse(CONFIG), version)


def test_a_prediction_has_a_region_for_each_answer_and_the_least_of_their_scores():
    expected = prediction_of(
        Answer("label", "g,1", 0.9), Answer("tags", ("x", "y"), 0.6, "multiple")
    )
    assert expected["model_version"] == "v1-abcdef"
    assert expected["score"] == 0.6
    first, second = expected["result"]
    assert first["value"] == {"choices": ["g,1"]}
    assert (first["from_name"], first["to_name"], first["type"]) == ("label", "text", "choices")
    assert first["score"] == 0.9
    assert second["value"] == {"choices": ["x", "y"]}
    assert first["id"] != second["id"]
    assert len(first["id"]) == 10


@given(
    st.sampled_from(["g,1", "Bad"]),
    st.sets(st.sampled_from(["x", "y", 'z "q"']), min_size=1),
    st.floats(),
    st.floats(),
)
def test_label_studio_accepts_every_prediction(label, tags, score, other):
    expected = prediction_of(
        Answer("label", label, score), Answer("tags", tuple(sorted(tags)), other, "multiple")
    )
    assert LabelInterface(CONFIG).validate_prediction(expected, return_errors=True) == []


@pytest.mark.parametrize(
    ("score", "expected"), [(math.nan, 0.0), (math.inf, 0.0), (-0.1, 0.0), (1.2, 1.0), (0.25, 0.25)]
)
def test_scores_are_finite_and_within_0_and_1(score, expected):
    assert prediction_of(Answer("label", "Bad", score))["score"] == expected


@pytest.mark.parametrize(
    "answer",
    [
        Answer("label", "Gone", 0.9),
        Answer("label", "Good", 0.9),  # it has an alias
        Answer("label", ("Bad", "g,1"), 0.9, "multiple"),  # the control takes one now
        Answer("label", "", 0.9),
        Answer("tags", (), 0.9, "multiple"),
        Answer("tags", ("x", "gone"), 0.9, "multiple"),
        Answer("part", "A", 0.9),
        Answer("tree", "A", 0.9),
        Answer("area", ("A", "B"), 0.9, "multiple"),
        Answer("kinds", "Animal / Dog", 0.9),
        Answer("missing", "A", 0.9),
        NoPrediction("label", "empty", "The text is empty."),
    ],
    ids=str,
)
def test_answers_that_the_config_does_not_allow_are_left_out(answer):
    assert prediction_of(answer) is None
    others = prediction_of(answer, Answer("tags", ("y",), 0.5, "multiple"))
    if answer.target != "tags":
        assert [region["from_name"] for region in others["result"]] == ["tags"]


def test_one_of_a_multiple_control_may_fill_it():
    control = parse(CONFIG).control("tags")
    assert is_allowed(Answer("tags", "x", 0.5), control)


def test_words_are_written_into_a_text_area_and_a_path_into_a_taxonomy():
    (words,) = prediction_of(Answer("area", "red ones", 0.7))["result"]
    assert (words["type"], words["value"]) == ("textarea", {"text": ["red ones"]})
    (path,) = prediction_of(Answer("kinds", "Animal / c", 0.6))["result"]
    assert (path["type"], path["value"]) == ("taxonomy", {"taxonomy": [["Animal", "c"]]})
    assert prediction_of(Answer("kinds", "Animal / Cat", 0.6)) is None
    assert prediction_of(Answer("kinds", "c", 0.6)) is None


def test_without_an_allowed_answer_there_is_no_prediction():
    assert prediction_of() is None


WRITTEN = {
    "paths of one": (
        '<Choices name="c" toName="t" allowNested="true" choice="multiple"><Choice value="a"/>'
        '<Choice value="b"/></Choices>',
        ("a", "b"),
        ("choices", {"choices": [["a"], ["b"]]}),
    ),
    "stars": ('<Rating name="c" toName="t"/>', "4", ("rating", {"rating": 4})),
    "a side": ('<Pairwise name="c" toName="t,u"/>', "left", ("pairwise", {"selected": "left"})),
    "several paths": (
        '<Taxonomy name="c" toName="t"><Choice value="a"><Choice value="b"/></Choice></Taxonomy>',
        ("a", "a / b"),
        ("taxonomy", {"taxonomy": [["a"], ["a", "b"]]}),
    ),
}


@pytest.mark.parametrize(("control", "value", "written"), WRITTEN.values(), ids=WRITTEN)
def test_each_control_is_filled_as_the_editor_does(control, value, written):
    xml = f'<View><Text name="t" value="$t"/><Text name="u" value="$u"/>{control}</View>'
    said = prediction({"c": Answer("c", value, 0.9)}, parse(xml), "v1-abcdef")
    (region,) = said["result"]
    assert (region["to_name"], region["type"], region["value"]) == ("t", *written)
    # Its own validator, which is off by default, takes no paths for Choices.
    if "Choices" not in control:
        assert LabelInterface(xml).validate_prediction(said, return_errors=True) == []


@pytest.mark.parametrize("stars", ["0", "6", "x"])
def test_more_stars_than_a_rating_has_are_not_given(stars):
    xml = '<View><Text name="t" value="$t"/><Rating name="c" toName="t"/></View>'
    assert prediction({"c": Answer("c", stars, 0.9)}, parse(xml), "v1-abcdef") is None
