"""Options of single controls: which pipeline fills each, and with what."""

import pytest

from mlapi import pipelines
from mlapi.labelstudio.label_config import parse
from mlapi.pipelines import version_parts
from mlapi.pipelines.control_options import overridden

LABELS = '<Choice value="cat"/><Choice value="dog"/>'
CONFIG = (
    '<View><Image name="img" value="$image"/><Text name="t" value="$text"/>'
    + "".join(f'<Choices name="{c}" toName="img">{LABELS}</Choices>' for c in ("looks", "kind"))
    + f'<Choices name="topic" toName="t">{LABELS}</Choices>'
    '<TextArea name="group" toName="img"/></View>'
)


def match(**options):
    return pipelines.match(parse(CONFIG), options)


def pipelines_of(found):
    return {target.name: target.pipeline for target in found.targets}


def parts(**options):
    own = pipelines.options_of(parse(CONFIG), options)
    return version_parts.of(match(**options), own)


def test_the_options_of_a_control_choose_its_pipeline_and_no_others():
    found = match(controls={"kind": {"similar_to": "cat"}, "group": {"cluster": True}})

    assert pipelines_of(found) == {
        "looks": "image_classification",
        "kind": "image_similarity",
        "topic": "text_classification",
        "group": "image_clusters",
    }


def test_both_image_options_of_the_project_choose_for_two_controls():
    found = match(similar_to={"control": "kind", "label": "cat"}, cluster="looks")

    assert pipelines_of(found)["kind"] == "image_similarity"
    assert pipelines_of(found)["looks"] == "image_clusters"


def test_a_choice_of_the_project_is_for_a_control_that_has_none_of_its_own():
    found = match(similar_to="cat", controls={"looks": {"cluster": True}})

    assert pipelines_of(found)["looks"] == "image_clusters"
    assert pipelines_of(found)["kind"] == "image_similarity"


def test_a_control_has_the_projects_options_where_it_has_none_of_its_own():
    options = {"k": 7, "similar_to": "cat", "controls": {"kind": {"similar_to": "dog", "k": 3}}}
    own = pipelines.options_of(parse(CONFIG), options)

    assert own["looks"] == {"k": 7, "similar_to": "cat"}
    assert own["kind"] == {"k": 3, "similar_to": "dog"}
    assert own["topic"] == {"k": 7}


def test_a_control_whose_own_option_is_wrong_is_not_classified_instead():
    found = match(controls={"kind": {"similar_to": "bird"}})

    assert [(u.control, u.code) for u in found.unserved if u.control == "kind"] == [
        ("kind", "label_not_found")
    ]
    assert "looks" in pipelines_of(found)


def test_what_controls_are_filled_with_is_in_the_fingerprint():
    one = {"kind": {"similar_to": "cat"}}
    two = one | {"looks": {"similar_to": "cat"}}
    other = one | {"looks": {"similar_to": "dog"}}
    found = [match(), *(match(controls=controls) for controls in (one, two, other))]

    assert len({pipelines.fingerprint(one) for one in found}) == 4


def test_a_choice_has_the_same_fingerprint_for_the_project_as_for_its_control():
    """Moving an option from the project to the control triggers no training."""
    of_project = match(similar_to="dog")
    of_control = match(controls={"looks": {"similar_to": "dog", "k": 3}})

    assert pipelines.fingerprint(of_project) == pipelines.fingerprint(of_control)


def test_controls_with_equal_options_are_one_part_and_others_have_their_own():
    assert [(p.name, [t.name for t in p.targets]) for p in parts()] == [
        ("image_classification", ["looks", "kind"]),
        ("text_classification", ["topic"]),
    ]
    on, off, _ = parts(controls={"looks": {"automl": "on"}})

    assert (on.name, on.options["automl"], [t.name for t in on.targets]) == (
        "image_classification/1",
        "on",
        ["looks"],
    )
    assert (off.name, off.options["automl"], [t.name for t in off.targets]) == (
        "image_classification/2",
        "off",
        ["kind"],
    )


def test_each_control_of_a_pipeline_for_one_target_is_a_part():
    alike = {"similar_to": "cat"}
    first, second, _ = parts(controls={"looks": alike, "kind": alike | {"k": 5}})

    assert [p.name for p in (first, second)] == ["image_similarity/1", "image_similarity/2"]
    assert (first.options["k"], second.options["k"]) == (10, 5)


@pytest.mark.parametrize(
    ("trained", "expected"),
    [("image_similarity", "image_similarity"), ("image_classification", "image_classification")],
)
def test_a_trained_control_stays_with_its_pipeline_when_options_change(trained, expected):
    names = ("image_classification", "image_similarity")
    options = {"controls": {"kind": {"similar_to": "cat"}}}

    found = pipelines.targets_of(names, {"kind": trained}, parse(CONFIG), options)

    assert {t.name: t.pipeline for t in found}["kind"] == expected


def test_options_of_the_run_come_first_but_choose_no_pipeline():
    options = {"seed": 1, "controls": {"kind": {"similar_to": "cat", "k": 5}}}
    overrides = {
        "seed": 2,
        "similar_to": "dog",
        "controls": {"kind": {"similar_to": "dog", "k": 7}},
    }

    assert overridden(options, overrides, {"similar_to"}) == {
        "seed": 2,
        "controls": {"kind": {"similar_to": "cat", "k": 7}},
    }
