"""Reading of a task's data as text: no data raise an unexpected error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlapi import pipelines
from mlapi.domain import InputError
from mlapi.inputs.text.input import canonical, read_text
from mlapi.inputs.text.objects import MAX_CHARACTERS
from tests.mlapi.pipelines.texts import target_spec

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)


def read(value, tag="Text", **other) -> str:
    return read_text({"text": value}, target_spec(tag=tag, **other))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "field_missing"),
        ({"text": None}, "null"),
        ({"text": []}, "empty"),
        ({"text": [["  "]]}, "empty"),
        ({"text": {"a": 1}}, "not_text"),
        ({"text": ""}, "empty"),
        ({"text": " \n\t\x00 "}, "empty"),
        ("text", "field_missing"),
        (None, "field_missing"),
        ([1], "field_missing"),
    ],
)
def test_a_task_without_a_text_has_a_reason(data, code):
    with pytest.raises(InputError) as problem:
        read_text(data, target_spec())

    assert problem.value.code == code
    assert problem.value.message


@pytest.mark.parametrize("tag", ["Text", "HyperText", "Paragraphs"])
@settings(max_examples=150)
@given(data=JSON)
def test_nothing_in_a_task_raises_anything_else(tag, data):
    for task in (data, {"text": data}):
        try:
            text = read_text(task, target_spec(tag=tag))
        except InputError:
            continue
        assert text.strip()
        text.encode()  # no lone surrogates


@pytest.mark.parametrize("tag", ["HyperText"])
@settings(max_examples=200)
@given(markup=st.text(alphabet="<>/!-[]&;=\"'?abp \x00\ud800é\n", max_size=60))
def test_no_markup_raises_anything_else(tag, markup):
    try:
        read(markup, tag)
    except InputError as e:
        assert e.code in ("empty", "unreadable")


def test_other_scripts_quotes_and_emoji_are_left_as_they_are():
    spoken = 'It\'s "so" — 日本語 العربية हिन्दी 😀'

    assert read(spoken) == spoken


def test_control_characters_and_lone_surrogates_become_spaces():
    assert read("a\x00b\x1bc\ud800d\ne\tf") == "a b c d\ne\tf"


def test_five_megabytes_are_cut_to_what_is_read():
    assert read("word " * 1_000_000) == ("word " * 4000).strip()
    assert len(read("<p>word</p>" * 500_000, "HyperText")) <= MAX_CHARACTERS
    assert len(read([{"author": "a", "text": "b" * 5_000_000}], "Paragraphs")) == MAX_CHARACTERS


def test_of_hypertext_only_what_a_reader_sees_is_read():
    markup = (
        "<html><head><title>no</title><style>p {color: no}</style></head><body>"
        "<script>alert('no')</script><h1>Fish &amp; chips</h1><p>are <b>go</b>od &lt;3</p>"
        "<!-- no --><ul><li>one</li><li>two</li></ul></body></html>"
    )

    assert read(markup, "HyperText") == "Fish & chips\nare good <3\none\ntwo"


def test_tags_are_text_where_the_object_is_text():
    assert read("a <b> c &amp; d") == "a <b> c &amp; d"


def test_a_dialogue_is_read_turn_by_turn():
    turns = [
        {"author": "Ann", "text": "Hello"},
        {"text": "no author"},
        {"author": None, "text": "null author"},
        "bare",
        {"author": "Bob", "text": 5},
        {"author": 6, "text": 7.5},
    ]

    spoken = read(turns, "Paragraphs")

    assert spoken == "Ann: Hello\nno author\nnull author\nbare\nBob: 5\n6: 7.5"
    assert read("plain text", "Paragraphs") == "plain text"


def test_a_dialogue_may_name_its_keys():
    turns = [{"who": "Ann", "said": "Hello"}]

    assert read(turns, "Paragraphs", text_key="said", author_key="who") == "Ann: Hello"


def test_a_list_of_something_else_is_no_dialogue():
    with pytest.raises(InputError) as problem:
        read([1, 2], "Paragraphs")

    assert problem.value.code == "not_text"


def test_a_field_may_be_a_path():
    assert read_text({"a": {"b": "deep"}}, target_spec(field="a.b")) == "deep"
    assert read_text({"a.b": "flat"}, target_spec(field="a.b")) == "flat"


def test_equal_inputs_have_equal_keys_whatever_else_the_task_holds():
    pipeline = pipelines.get("text_classification")
    targets = [target_spec(), target_spec("other"), target_spec("third", field="body")]

    one = pipeline.input.keys({"text": "Same  text", "body": "x", "n": 1}, targets)
    two = pipeline.input.keys({"text": "same text\n", "body": "x", "n": 2}, targets)

    assert one == two
    assert len(one) == 2
    assert pipeline.input.keys({"text": None}, targets) == ["", ""]


@given(st.text(max_size=50))
def test_canonical_text_stays_as_it_is(text):
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hello  World\n", "hello world"), ("Straße", "STRASSE"), ("ﬁne", "fine"), ("é", "e\u0301")],
)
def test_texts_that_differ_in_form_only_are_equal(one, other):
    assert canonical(one) == canonical(other)
