"""The options of a project and its controls, and the errors about others."""

import pytest

from mlapi.domain import InvalidOption, UnknownOption
from mlapi.errors import NotServed
from mlapi.labelstudio.label_config import parse
from mlapi.pipelines import get
from mlapi.pipelines.project_options import OptionOfOtherPipeline, UnknownControl, validate
from tests.mlapi.pipelines.test_control_options import CONFIG

TEXTS = (
    '<View><Text name="t" value="$text"/><Choices name="topic" toName="t">'
    '<Choice value="a"/><Choice value="b"/></Choices></View>'
)


def validated_options(options, stored=(), config=CONFIG):
    return validate(parse(config), options, dict(stored))


def test_the_options_of_controls_are_stored_as_they_are_set():
    controls = {"looks": {"similar_to": "cat", "k": 5}, "group": {"cluster": True, "clusters": 4}}

    found = validated_options({"seed": 3, "controls": controls})

    assert found["controls"] == controls
    assert (found["seed"], found["features"], found["k"]) == (3, "opencv", 10)


def test_null_and_empty_options_of_a_control_are_not_set():
    unset = {"looks": {"similar_to": None}, "kind": {}, "topic": None, "group": {"cluster": True}}

    assert validated_options({"controls": unset})["controls"] == {"group": {"cluster": True}}
    assert "controls" not in validated_options({"controls": None})
    defaults = get("text_classification").validate_options({})
    assert validated_options({}, config=TEXTS) == defaults


def test_options_that_could_choose_a_pipeline_are_listed_unset():
    found = validated_options({})

    assert (found["similar_to"], found["cluster"]) == (None, None)
    assert "k" not in found


@pytest.mark.parametrize(
    ("options", "error", "message", "hint"),
    [
        ({"controls": {"shape": {"k": 5}}}, UnknownControl, "'shape'", "looks, kind, topic"),
        ({"controls": {"topic": {"k": 5}}}, OptionOfOtherPipeline, "topic is filled by", "automl"),
        ({"controls": {"looks": {"k": 5}}}, OptionOfOtherPipeline, "of image_similarity", "automl"),
        ({"k": 5}, OptionOfOtherPipeline, "k is an option of image_similarity", "similar_to"),
        ({"controls": {"looks": {"speed": 5}}}, UnknownOption, "'speed'", "automl"),
        ({"speed": 5}, UnknownOption, "'speed'", "seed"),
        ({"controls": {"looks": {"seed": 5}}}, InvalidOption, "whole project", "Move it out"),
        ({"controls": {"looks": {"automl": 5}}}, InvalidOption, "automl of looks", ""),
        ({"controls": {"topic": {"similar_to": "cat"}}}, NotServed, "options of topic", "null"),
        ({"controls": {"topic": {"cluster": True}}}, NotServed, "options of topic", "null"),
        ({"controls": {"looks": {"similar_to": "x"}}}, NotServed, "names no label", "null"),
        ({"controls": {"looks": {"cluster": "kind"}}}, NotServed, "another control", "null"),
        ({"similar_to": "bird"}, NotServed, "names no label", "null"),
        ({"cluster": "shape"}, NotServed, "cluster names no", "null"),
        ({"similar_to": "cat", "cluster": "looks"}, InvalidOption, "both set for looks", "under"),
        (
            {"controls": {"looks": {"similar_to": "cat", "cluster": True}}},
            InvalidOption,
            "both set for looks",
            "null",
        ),
        ({"controls": ["looks"]}, InvalidOption, "controls is no object", "looks"),
        ({"controls": {"looks": "cat"}}, InvalidOption, "controls is no object", "looks"),
        ({"cluster": 5}, InvalidOption, "cluster is no name", ""),
        (["automl"], InvalidOption, "not an object", ""),
    ],
)
def test_an_option_that_does_not_apply_is_refused_with_its_reason(options, error, message, hint):
    with pytest.raises(error, match=message) as refused:
        validated_options(options)

    assert hint in refused.value.hint


def test_an_option_of_a_control_that_is_not_served_has_its_reason():
    config = TEXTS.replace("</View>", '<Number name="n" toName="t"/></View>')

    with pytest.raises(NotServed, match="n has no options, because it is not served: This control"):
        validated_options({"controls": {"n": {"automl": "on"}}}, config=config)


def test_stored_options_of_an_earlier_label_config_are_left_out_and_not_refused():
    stored = {"k": 10, "features": "opencv", "controls": {"shape": {"similar_to": "round"}}}

    assert validated_options({**stored, "seed": 4}, stored, TEXTS)["seed"] == 4
    assert "controls" not in validated_options({**stored, "seed": 4}, stored)


def test_stored_options_of_a_control_that_another_pipeline_fills_now_are_left_out():
    stored = {"controls": {"looks": {"k": 5}}}

    assert "controls" not in validated_options({**stored, "seed": 4}, stored)
