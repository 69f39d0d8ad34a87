"""The text that is read of each object tag: that which Label Studio's editor shows."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlapi import pipelines
from mlapi.domain import InputError, TargetSpec
from mlapi.inputs.text.input import read_input, read_text
from mlapi.inputs.text.objects import MAX_CHARACTERS
from mlapi.labelstudio.label_config import parse


def target(objects: str, to: str = "t", tag: str = "Choices") -> TargetSpec:
    labels = '<Choice value="a"/><Choice value="b"/>' if tag == "Choices" else ""
    xml = f'<View>{objects}<{tag} name="c" toName="{to}">{labels}</{tag}></View>'
    matched = pipelines.match(parse(xml))
    assert matched.pipeline == "text_classification", matched.unserved
    return matched.targets[0]


def read(tag: str, value: object, attrs: str = "") -> str:
    return read_text({"v": value}, target(f'<{tag} name="t" value="$v" {attrs}/>'))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.5, "12.5"),
        (12, "12"),
        (12.0, "12"),
        (True, "true"),
        (False, "false"),
        (["great", "film"], "great,film"),
        (["a", ["b", None], 1.0, {"x": 1}], "a,b,,1,[object Object]"),
    ],
)
@pytest.mark.parametrize("tag", ["Text", "HyperText"])
def test_values_in_a_text_are_read_as_the_editor_shows_them(tag, value, text):
    assert read(tag, value) == text


def encoded(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize(
    ("tag", "encoding", "value", "text"),
    [
        ("Text", "base64", encoded("Great film"), "Great film"),
        ("Text", "base64", encoded("Größe", "latin-1"), "Größe"),
        ("Text", "base64", encoded("Größe"), "GrÃ¶Ã\x9fe".replace("\x9f", " ")),
        ("Text", "base64unicode", encoded("Größe 日本 😀"), "Größe 日本 😀"),
        ("Text", "base64", "R3JlYXQg\nZmlsbQ", "Great film"),
        ("Text", "none", "R3JlYXQgZmlsbQ==", "R3JlYXQgZmlsbQ=="),
        ("HyperText", "base64", encoded("<p>Great <b>film</b></p>"), "Great film"),
    ],
)
def test_encoded_texts_are_decoded(tag, encoding, value, text):
    assert read(tag, value, f'encoding="{encoding}"') == text


@pytest.mark.parametrize("value", ["not base64!", "A", "Größe"])
@pytest.mark.parametrize("encoding", ["base64", "base64unicode"])
def test_a_value_that_is_not_base64_has_a_reason(encoding, value):
    with pytest.raises(InputError) as problem:
        read("Text", value, f'encoding="{encoding}"')
    assert problem.value.code == "not_base64"


def test_a_long_encoded_text_is_cut_like_any_other():
    text = read("Text", encoded("word " * 1_000_000), 'encoding="base64"')
    assert text == ("word " * 4000).strip()


def test_encoded_markup_is_read_as_far_as_any_other():
    page = f"<style>{'x' * 300_000}</style><p>Great film</p>"

    assert read("HyperText", page) == "Great film"
    assert read("HyperText", encoded(page), 'encoding="base64"') == "Great film"


TABLES = [
    (
        {"b": "2", "A": {"x": 1.50}, "c": None, "d": True, "e": [1, "u"]},
        'A\t{"x":1.5}\nb\t2\nc\tnull\nd\t\ne\t[1,"u"]',
    ),
    ([{"b": "2", "A": 1.0}, {"c": True, "A": None}], "b\tA\tc\n2\t1\t\n\t\t"),
    (["u", 1, None, {"k": 2}], '0\tu\n1\t1\n2\tnull\n3\t{"k":2}'),
    ('{"k": "v", "n": 1.0}', "k\tv\nn\t1"),
    ('[{"k": "v"}]', "k\nv"),
]


@pytest.mark.parametrize(("value", "text"), TABLES)
def test_a_table_is_read_cell_by_cell(value, text):
    assert read("Table", value) == text.strip()


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        ("csv", "n,m\n1,two words\n3,4"),
        ("csv|separator=;", "n;m\n1;two words\n3;4"),
        ("CSV,separator=#", "n#m\n1#two words\n3#4"),
        ("csv", "n\tm\n1\ttwo words\n3\t4"),
        ("csv", "n,m\r\n1,two words\r\n3,4\r\n"),
        ("csv", "n;m\r1;two words\r3;4"),
    ],
)
def test_a_table_may_be_a_csv(value_type, value):
    assert read("Table", value, f'valueType="{value_type}"') == "n\tm\n1\ttwo words\n3\t4"


def test_a_list_is_read_item_by_item_without_their_ids():
    items = [
        {"id": 1, "title": "Tips", "body": "Write &amp; read", "html": "<b>bold</b> one"},
        {"id": 2, "title": "No body"},
        {"id": 3, "body": 12.5},
    ]
    text = "Tips\nWrite &amp; read\nbold one\nNo body\n12.5"
    assert read("List", items) == text
    assert read("List", json.dumps(items)) == text


def test_a_chat_is_read_message_by_message():
    chat = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"content": "nobody"},
    ]
    assert read("Chat", chat) == "user: Hi\nassistant: Hello!\nnobody"
    assert read("Chat", json.dumps(chat)) == "user: Hi\nassistant: Hello!\nnobody"


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        ("Text", {"a": 1}, "not_text"),
        ("Table", "no json", "not_text"),
        ("Table", 7, "not_text"),
        ("Table", {}, "empty"),
        ("List", {"a": 1}, "not_text"),
        ("List", [], "empty"),
        ("Chat", [], "empty"),
        ("Chat", [1], "not_text"),
        ("Chat", "[no json", "not_text"),
        ("Paragraphs", 7, "not_text"),
    ],
)
def test_what_an_object_cannot_show_has_a_reason(tag, value, code):
    with pytest.raises(InputError) as problem:
        read(tag, value)
    assert problem.value.code == code


@pytest.mark.parametrize(
    ("value", "data", "text"),
    [
        ("$items[0].text", {"items": [{"text": "first"}]}, "first"),
        ("$meta.lang", {"meta": {"lang": "en"}}, "en"),
        ("Title: $title. $body", {"title": "Up", "body": "It rose"}, "Title: Up It rose"),
        ("Title: $title, $body", {"title": "Up", "body": 7}, "Title: Up, 7"),
        ("Title: $title, $body", {"title": "Up"}, "Title: Up, undefined"),
    ],
)
def test_a_value_is_read_as_the_editor_fills_it_in(value, data, text):
    assert read_text(data, target(f'<Text name="t" value="{value}"/>')) == text


@pytest.mark.parametrize("tag", ["Table", "List"])
def test_a_text_that_is_too_long_to_be_parsed_is_refused_as_such(tag):
    with pytest.raises(InputError, match="longer than 2,000,000 characters") as problem:
        read(tag, json.dumps(["x" * 2_000_000]))
    assert problem.value.code == "not_text"


TWO = '<Text name="t" value="$q"/><HyperText name="u" value="$a"/>'


def test_several_texts_are_read_as_one_input():
    both = target(TWO, "t,u")
    assert read_text({"q": "Why?", "a": "<p>So</p>"}, both) == "Why?\nSo"
    assert read_text({"q": "Why?"}, both) == "Why?"
    assert read_text({"q": "", "a": "So"}, both) == "So"
    with pytest.raises(InputError) as problem:
        read_text({}, both)
    assert problem.value.code == "field_missing"
    long = read_text({"q": "a" * 50_000, "a": "b" * 50_000}, both)
    assert long == "a" * (MAX_CHARACTERS // 2) + "\n" + "b" * (MAX_CHARACTERS // 2)


def test_the_two_sides_of_a_pairwise_have_different_words():
    pair = target(TWO, "t,u", "Pairwise")
    assert pair.labels == ("left", "right")
    one = read_input({"q": "good one", "a": "bad"}, pair)
    other = read_input({"q": "bad", "a": "good one"}, pair)
    assert sorted(one.split()) != sorted(other.split())
    assert read_text({"q": "good one", "a": "bad"}, pair) == "good one\nbad"


def test_the_input_key_covers_all_that_is_read():
    pipeline = pipelines.get("text_classification")

    def key(data, *targets):
        return pipeline.input.keys(data, targets)

    both = target(TWO, "t,u")
    assert key({"q": "Why?", "a": "So"}, both) != key({"q": "Why?", "a": "No"}, both)
    titled = target('<Text name="t" value="Title: $title. $body"/>')
    assert key({"title": "a", "body": "b"}, titled) != key({"title": "a", "body": "c"}, titled)
    first = target('<Text name="t" value="$items[0].text"/>')
    assert key({"items": [{"text": "a"}]}, first) == ["a"]
    # A plain field's key is as it always was.
    assert key({"text": "A  b"}, target('<Text name="t" value="$text"/>')) == ["a b"]


def test_the_order_of_the_controls_does_not_change_the_input_key():
    key = pipelines.get("text_classification").input.keys
    both, pair = target(TWO, "t,u"), target(TWO, "t,u", "Pairwise")
    data = {"q": "good one", "a": "bad"}
    assert key(data, [both, pair]) == key(data, [pair, both])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
ANY_OBJECT = [
    '<Text name="t" value="$v" encoding="base64unicode"/>',
    '<Text name="t" value="A $v[0].x and $w"/>',
    '<Table name="t" value="$v"/>',
    '<Table name="t" value="$v" valueType="csv|separator=&quot;"/>',
    '<Table name="t" value="$v" valueType="csv|separator=|headless"/>',
    '<List name="t" value="$v"/>',
    '<Chat name="t" value="$v"/>',
]


@pytest.mark.parametrize("tag", ANY_OBJECT)
@settings(max_examples=100)
@given(data=JSON)
def test_nothing_in_a_task_raises_anything_else(tag, data):
    for value in (data, json.dumps(data), str(data)):
        try:
            text = read_text({"v": value, "w": data}, target(tag))
        except InputError:
            continue
        assert text.strip()
        text.encode()  # no lone surrogates
