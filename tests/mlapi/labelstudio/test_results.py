"""Predictions that Label Studio accepts, by its own validator."""

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from mlapi import label_types
from mlapi.domain import NoPrediction, Prediction
from mlapi.labelstudio.label_config import parse
from mlapi.labelstudio.results import allowed_regions, is_nothing, prediction

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


def answer(target, value, score, kind="choice") -> Prediction:
    return label_types.get(kind).prediction(target, value, score)


def prediction_of(*answers: Prediction | NoPrediction, version="v1-abcdef"):
    return prediction({a.target: a for a in answers}, parse(CONFIG), version)


def test_a_prediction_has_a_region_for_each_answer_and_the_least_of_their_scores():
    expected = prediction_of(
        answer("label", "g,1", 0.9), answer("tags", ("x", "y"), 0.6, "choices")
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


def test_processes_that_are_forked_from_one_give_regions_other_ids():
    """Web processes are forked like this."""

    def ids() -> bytes:
        found_ids = (
            prediction_of(answer("label", "g,1", 0.9))["result"][0]["id"] for _ in range(3)
        )
        return " ".join(found_ids).encode()

    read, write = os.pipe()
    for child in [_forked(lambda: os.write(write, ids() + b" ")) for _ in range(2)]:
        assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    with open(read) as found:
        region_ids = [*found.read().split(), *ids().decode().split()]
    assert len(set(region_ids)) == len(region_ids) == 9


def _forked(work) -> int:
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    return child


@given(
    st.sampled_from(["g,1", "Bad"]),
    st.sets(st.sampled_from(["x", "y", 'z "q"']), min_size=1),
    st.floats(),
    st.floats(),
)
def test_label_studio_accepts_every_prediction(label, tags, score, other):
    expected = prediction_of(
        answer("label", label, score), answer("tags", tuple(sorted(tags)), other, "choices")
    )
    assert LabelInterface(CONFIG).validate_prediction(expected, return_errors=True) == []


@pytest.mark.parametrize(
    ("score", "expected"), [(math.nan, 0.0), (math.inf, 0.0), (-0.1, 0.0), (1.2, 1.0), (0.25, 0.25)]
)
def test_scores_are_finite_and_within_0_and_1(score, expected):
    assert prediction_of(answer("label", "Bad", score))["score"] == expected


@pytest.mark.parametrize(
    "refused",
    [
        answer("label", "Gone", 0.9),
        answer("label", "Good", 0.9),  # it has an alias
        answer("label", ("Bad", "g,1"), 0.9, "choices"),  # the control takes one now
        answer("label", "", 0.9),
        answer("tags", (), 0.9, "choices"),
        answer("tags", ("x", "gone"), 0.9, "choices"),
        answer("part", "A", 0.9),
        answer("tree", "A", 0.9),
        answer("area", ("A", "B"), 0.9, "choices"),
        answer("kinds", "Animal / Dog", 0.9, "taxonomy_choice"),
        answer("missing", "A", 0.9),
        NoPrediction("label", "empty", "The text is empty."),
    ],
    ids=str,
)
def test_answers_that_the_config_does_not_allow_are_left_out(refused):
    assert prediction_of(refused) is None
    others = prediction_of(refused, answer("tags", ("y",), 0.5, "choices"))
    if refused.target != "tags":
        assert [region["from_name"] for region in others["result"]] == ["tags"]


def test_one_of_a_multiple_control_may_fill_it():
    control = parse(CONFIG).control("tags")
    assert allowed_regions(answer("tags", "x", 0.5), control)


def test_words_are_written_into_a_text_area_and_a_path_into_a_taxonomy():
    (words,) = prediction_of(answer("area", "red ones", 0.7, "text"))["result"]
    assert (words["type"], words["value"]) == ("textarea", {"text": ["red ones"]})
    (path,) = prediction_of(answer("kinds", "Animal / c", 0.6, "taxonomy_choice"))["result"]
    assert (path["type"], path["value"]) == ("taxonomy", {"taxonomy": [["Animal", "c"]]})
    assert prediction_of(answer("kinds", "Animal / Cat", 0.6, "taxonomy_choice")) is None
    assert prediction_of(answer("kinds", "c", 0.6, "taxonomy_choice")) is None


def test_without_an_allowed_answer_there_is_no_prediction():
    assert prediction_of() is None


RESULTS = {
    "paths of one": (
        '<Choices name="c" toName="t" allowNested="true" choice="multiple"><Choice value="a"/>'
        '<Choice value="b"/></Choices>',
        ("a", "b"),
        "choices",
        ("choices", {"choices": [["a"], ["b"]]}),
    ),
    "stars": ('<Rating name="c" toName="t"/>', "4", "choice", ("rating", {"rating": 4})),
    "a side": (
        '<Pairwise name="c" toName="t,u"/>',
        "left",
        "choice",
        ("pairwise", {"selected": "left"}),
    ),
    "several paths": (
        '<Taxonomy name="c" toName="t"><Choice value="a"><Choice value="b"/></Choice></Taxonomy>',
        ("a", "a / b"),
        "taxonomy",
        ("taxonomy", {"taxonomy": [["a"], ["a", "b"]]}),
    ),
}


@pytest.mark.parametrize(("control", "value", "kind", "written"), RESULTS.values(), ids=RESULTS)
def test_each_control_is_filled_as_the_editor_does(control, value, kind, written):
    xml = f'<View><Text name="t" value="$t"/><Text name="u" value="$u"/>{control}</View>'
    made = prediction({"c": answer("c", value, 0.9, kind)}, parse(xml), "v1-abcdef")
    (region,) = made["result"]
    assert (region["to_name"], region["type"], region["value"]) == ("t", *written)
    # Its own validator, which is off by default, takes no paths for Choices.
    if "Choices" not in control:
        assert LabelInterface(xml).validate_prediction(made, return_errors=True) == []


@pytest.mark.parametrize("stars", ["0", "6", "x"])
def test_more_stars_than_a_rating_has_are_not_predicted(stars):
    xml = '<View><Text name="t" value="$t"/><Rating name="c" toName="t"/></View>'
    assert prediction({"c": answer("c", stars, 0.9)}, parse(xml), "v1-abcdef") is None


NOTHING = answer("tags", (), 0.8, "choices")


def test_that_there_is_nothing_is_a_prediction_without_a_region():
    assert (NOTHING.regions, NOTHING.score) == ((), 0.8)
    assert prediction_of(NOTHING) is None
    assert is_nothing({"tags": NOTHING}, parse(CONFIG))


@pytest.mark.parametrize(
    "other",
    [
        answer("label", "Bad", 0.9),
        answer("label", "Gone", 0.9),  # not allowed
        NoPrediction("label", "empty", "The text is empty."),
    ],
    ids=str,
)
def test_a_task_with_another_answer_or_without_one_is_not_one_with_nothing(other):
    assert not is_nothing({"tags": NOTHING, "label": other}, parse(CONFIG))
    assert not is_nothing({}, parse(CONFIG))
