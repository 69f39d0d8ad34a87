"""The consensus: a task's label by its annotations."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlapi import pipelines
from mlapi.domain import Condition, TargetSpec
from mlapi.labelstudio.consensus import consensus
from mlapi.labelstudio.label_config import parse
from registry.label_renames import Renames

SINGLE = TargetSpec("label", "text", "Text", "text", "choice", ("A", "B", "C"))
MULTIPLE = TargetSpec("tags", "text", "Text", "text", "choices", ("x", "y", "z"))


def annotation(*chosen, by=1, id=None, at="2026-11-23T07:00:00.000000Z", control="label", **fields):
    annotation.count += 1
    result = [{"from_name": control, "type": "choices", "value": {"choices": list(chosen)}}]
    return {
        "id": id or annotation.count,
        "result": result if chosen else [],
        "completed_by": by,
        "created_at": at,
        "updated_at": at,
        **fields,
    }


annotation.count = 0


def test_one_annotator_decides():
    assert consensus([annotation("A")], [SINGLE]) == ({"label": "A"}, [])


def test_no_annotation_is_no_label():
    assert consensus([], [SINGLE, MULTIPLE]) == ({}, [])


def test_the_majority_of_the_annotators_decides():
    assert consensus(
        [annotation("A", by=1), annotation("B", by=2), annotation("A", by=3)], [SINGLE]
    )[0] == {"label": "A"}


def test_a_tie_is_left_out_and_named():
    assert consensus([annotation("A", by=1), annotation("B", by=2)], [SINGLE]) == ({}, ["label"])


def test_an_annotator_has_one_vote_the_latest():
    first = annotation("A", by=1, at="2026-11-23T07:00:00.500000Z")
    later = annotation("B", by=1, at="2026-11-23T08:00:00Z")
    other = annotation("B", by=2)
    assert consensus([later, first], [SINGLE])[0] == {"label": "B"}
    assert consensus([later, first, other], [SINGLE])[0] == {"label": "B"}


def test_times_without_a_fraction_are_ordered():
    first = annotation("A", by=1, at="2026-11-23T07:00:00Z")
    later = annotation("B", by=1, at="2026-11-23T07:00:00.000001Z")
    assert consensus([later, first], [SINGLE])[0] == {"label": "B"}


def test_skipped_annotations_do_not_count():
    assert consensus([annotation("A", was_cancelled=True)], [SINGLE, MULTIPLE]) == ({}, [])
    # Nor does a skip take the annotator's earlier vote away.
    annotations = [
        annotation("A", by=1),
        annotation(by=1, at="2026-11-24T00:00:00Z", was_cancelled=True),
    ]
    assert consensus(annotations, [SINGLE])[0] == {"label": "A"}


def test_ground_truth_counts_like_any_other():
    votes = [annotation("A", by=1, ground_truth=True), annotation("B", by=2), annotation("B", by=3)]
    assert consensus(votes, [SINGLE])[0] == {"label": "B"}


def test_annotators_who_are_unknown_each_have_a_vote():
    votes = [annotation("A", by=None), annotation("A", by=None), annotation("B", by=1)]
    assert consensus(votes, [SINGLE])[0] == {"label": "A"}


def test_an_empty_result_is_the_empty_set_for_multiple_and_nothing_for_single():
    assert consensus([annotation()], [SINGLE, MULTIPLE]) == ({"tags": []}, [])


def test_each_label_of_multiple_by_majority():
    votes = [
        annotation("x", "y", by=1, control="tags"),
        annotation("x", by=2, control="tags"),
        annotation("z", "x", by=3, control="tags"),
    ]
    assert consensus(votes, [MULTIPLE])[0] == {"tags": ["x"]}


def test_multiple_is_tied_where_half_chose_a_label():
    votes = [annotation("x", "y", by=1, control="tags"), annotation("x", by=2, control="tags")]
    assert consensus(votes, [MULTIPLE]) == ({}, ["tags"])


def test_labels_that_the_config_no_longer_has_do_not_count():
    assert consensus([annotation("Old")], [SINGLE]) == ({}, [])
    assert consensus([annotation("Old", control="tags")], [MULTIPLE]) == ({}, [])
    assert consensus([annotation("Old", "x", control="tags")], [MULTIPLE])[0] == {"tags": ["x"]}
    assert consensus([annotation("Old", by=1), annotation("A", by=2)], [SINGLE])[0] == {
        "label": "A"
    }


def test_two_labels_are_none_for_single():
    assert consensus([annotation("A", "B")], [SINGLE]) == ({}, [])


def test_controls_do_not_mix():
    both = annotation("A")
    both["result"] += annotation("y", control="tags")["result"]
    assert consensus([both], [SINGLE, MULTIPLE])[0] == {"label": "A", "tags": ["y"]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from_name", "value", "choices", "x"]), inside, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4))
def test_no_result_breaks_it(result):
    labels, ties = consensus([{"id": 1, "result": result, "completed_by": 1}], [SINGLE, MULTIPLE])
    assert set(labels) <= {"label", "tags"}
    assert ties == []


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("ABC")), max_size=8), st.randoms())
def test_the_order_of_annotations_decides_nothing(votes, random):
    annotations = [
        annotation(label, by=by, id=i, at=f"2026-11-23T07:00:0{i}Z")
        for i, (by, label) in enumerate(votes, 1)
    ]
    shuffled = list(annotations)
    random.shuffle(shuffled)
    assert consensus(annotations, [SINGLE]) == consensus(shuffled, [SINGLE])


def written(control: str, value: dict, by: int = 1) -> dict:
    """An annotation with one region of another kind than choices."""
    result = [{"from_name": control, "type": "any", "value": value}]
    return {**annotation("A", by=by), "result": result}


def test_words_in_a_text_area_are_a_label_whatever_the_white_space():
    words = TargetSpec("name", "image", "Image", "image", "text", (), control_tag="TextArea")
    one, other = (
        written("name", {"text": ["red  ones "]}),
        written("name", {"text": "red ones"}, by=2),
    )
    third = written("name", {"text": ["blue"]}, by=3)

    assert consensus([one, other, third], [words])[0] == {"name": "red ones"}
    assert consensus([written("name", {"text": [" "]})], [words])[0] == {}
    assert consensus([written("name", {"text": 5})], [words])[0] == {}


def test_a_path_of_a_taxonomy_is_a_label_if_the_config_has_it():
    kinds = TargetSpec(
        "kind",
        "image",
        "Image",
        "image",
        "taxonomy_choice",
        ("Animal / Cat",),
        control_tag="Taxonomy",
    )

    assert consensus([written("kind", {"taxonomy": [["Animal", "Cat"]]})], [kinds])[0] == {
        "kind": "Animal / Cat"
    }
    assert consensus([written("kind", {"taxonomy": [["Animal"]]})], [kinds])[0] == {}
    assert consensus([written("kind", {"taxonomy": "Animal"})], [kinds])[0] == {}


# Controls that others show


def two_levels() -> tuple[TargetSpec, ...]:
    xml = (
        '<View><Text name="t" value="$t"/><Choices name="kind" toName="t"><Choice value="plant"/>'
        '<Choice value="animal"/></Choices>'
        '<View visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="animal">'
        '<Choices name="which" toName="t"><Choice value="cat"/><Choice value="dog"/></Choices>'
        '</View><Choices name="colour" toName="t" choice="multiple" visibleWhen="choice-selected" '
        'whenTagName="kind" whenChoiceValue="plant"><Choice value="red"/><Choice value="blue"/>'
        "</Choices></View>"
    )
    return pipelines.match(parse(xml)).targets


def labelled(by: int, **chosen: list[str]) -> dict:
    result = [
        {"from_name": name, "to_name": "t", "type": "choices", "value": {"choices": labels}}
        for name, labels in chosen.items()
    ]
    return {"id": by, "completed_by": by, "result": result, "was_cancelled": False}


@pytest.mark.parametrize(
    ("chosen", "labels"),
    [
        ({"kind": ["plant"]}, {"kind": "plant", "colour": []}),
        ({"kind": ["plant"], "colour": ["red"]}, {"kind": "plant", "colour": ["red"]}),
        ({"kind": ["plant"], "which": ["cat"]}, {"kind": "plant", "colour": []}),
        ({"kind": ["animal"], "which": ["cat"]}, {"kind": "animal", "which": "cat"}),
        ({"kind": ["animal"], "colour": ["red"]}, {"kind": "animal"}),
        ({"kind": ["animal"]}, {"kind": "animal"}),
        ({"which": ["cat"]}, {}),
        ({}, {}),
    ],
)
def test_a_control_that_an_annotation_hides_has_no_label(chosen, labels):
    assert consensus([labelled(1, **chosen)], two_levels()) == (labels, [])


def test_a_control_that_the_consensus_hides_has_no_label():
    votes = [
        labelled(1, kind=["plant"], colour=["red"]),
        labelled(2, kind=["plant"], colour=["red"]),
        labelled(3, kind=["animal"], which=["cat"]),
    ]
    assert consensus(votes, two_levels()) == ({"kind": "plant", "colour": ["red"]}, [])


def test_where_annotators_are_tied_each_keeps_the_controls_of_their_choice():
    votes = [
        labelled(1, kind=["plant"], colour=["red"]),
        labelled(2, kind=["animal"], which=["cat"]),
    ]
    labels, ties = consensus(votes, two_levels())
    assert (labels, ties) == ({"which": "cat", "colour": ["red"]}, ["kind"])


# Other forms of labels


def test_a_choice_that_is_a_path_of_one_is_its_label():
    target = TargetSpec("c", "t", "Text", "t", "choices", ("a", "b"))
    assert consensus([labelled(1, c=[["a"], ["b"]])], [target]) == ({"c": ["a", "b"]}, [])
    assert consensus([labelled(1, c=[["a", "deeper"]])], [target]) == ({}, [])


@pytest.mark.parametrize(
    ("tag", "value", "label"),
    [
        ("Rating", {"rating": 3}, "3"),
        ("Rating", {"rating": 3.0}, "3"),
        ("Rating", {"rating": 0}, None),
        ("Rating", {"rating": True}, None),
        ("Rating", {"rating": "3"}, None),
        ("Pairwise", {"selected": "left"}, "left"),
        ("Pairwise", {"selected": "none"}, None),
        ("Taxonomy", {"taxonomy": [["a", "b"]]}, "a / b"),
    ],
)
def test_each_control_tag_has_labels_of_its_own_form(tag, value, label):
    labels = ("3", "left", "right", "a / b")
    kind = "taxonomy_choice" if tag == "Taxonomy" else "choice"
    target = TargetSpec("c", "t", "Text", "t", kind, labels, control_tag=tag)
    annotation = {"id": 1, "result": [{"from_name": "c", "value": value}]}
    assert consensus([annotation], [target])[0] == ({"c": label} if label else {})


def renamed(old, new, control="label", until=None):
    return Renames([{"control": control, "old": old, "new": new, "until": until}])


def test_a_renamed_label_counts_as_the_new_one():
    votes = [annotation("old", by=1), annotation("B", by=2), annotation("C", by=3)]

    assert consensus([*votes], [SINGLE])[1] == ["label"]
    assert consensus(votes, [SINGLE], renames=renamed("old", "B"))[0] == {"label": "B"}


def test_a_renamed_label_of_a_set_is_there_once():
    stored = annotation("old", "y", control="tags")

    labels, _ = consensus([stored], [MULTIPLE], renames=renamed("old", "y", "tags"))

    assert labels == {"tags": ["y"]}


def test_a_label_that_the_config_has_again_means_itself_from_then_on():
    since = renamed("A", "B", until="2026-11-24T00:00:00+00:00")
    later = annotation("A", at="2026-11-25T00:00:00Z")

    assert consensus([annotation("A")], [SINGLE], renames=since)[0] == {"label": "B"}
    assert consensus([later], [SINGLE], renames=since)[0] == {"label": "A"}


def test_a_renamed_label_still_shows_what_depends_on_it():
    child = replace(MULTIPLE, conditions=(Condition(("label",), ("B",)),))
    stored = annotation("old")
    stored["result"] += annotation("x", control="tags")["result"]

    labels, _ = consensus([stored], [SINGLE, child], renames=renamed("old", "B"))

    assert labels == {"label": "B", "tags": ["x"]}
