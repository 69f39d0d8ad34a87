"""Values of tags as Label Studio's editor fills them in.

Each expected text is what the editor of Label Studio 1.23.2 shows for the value and the data.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlapi.domain import InputError
from mlapi.labelstudio.references import filled, json_of, keys, text_of

DATA = {
    "s": "str",
    "n": 12.5,
    "l": ["x", 2, None, ["p", "q"], {"k": 1}],
    "o": {"x": "deep", "list": [{"t": "first"}, {"t": "second"}]},
    "nul": None,
    "tr": True,
    "a.b": "own key",
    "a": {"b": "path", "c": "other"},
    "i[0]": "bracketed key",
}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("$s", "str"),
        ("Title: $s. $n", "Title: str 12.5"),  # the dot is taken for a part of the path
        ("$s.", "str"),
        ("$s and $nothing", "str and undefined"),
        ("$s and $nul", "str and null"),
        ("$o.x", "deep"),
        ("$o.list[1].t", "second"),
        ("$o.list.0.t", "first"),
        ("$l[1]", 2),
        ("$l[3]", ["p", "q"]),
        ("$l.length", 5),
        ("$s[0]", "s"),
        (f"$s and $s[{'9' * 5_000}]", "str and undefined"),
        ("$a.b", "own key"),
        ("$a.c", "other"),
        ("$i[0]", "bracketed key"),
        ("$tr", True),
        ("List: $l", "List: x,2,,p,q,[object Object]"),
        ("Object: $o", "Object: [object Object]"),
        ("${s} $s", "undefined str"),
        ("costs 5 $ $s", "costs 5 $ str"),
        ("$s$n", "str12.5"),
        ("no reference", "no reference"),
    ],
)
def test_references_are_filled_in_as_in_the_editor(value, shown):
    assert filled(value, DATA) == shown


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("$nothing", "field_missing"),
        ("$a.nothing", "field_missing"),
        ("$s.length.x", "field_missing"),
        ("$l[9]", "field_missing"),
        ("$nul", "null"),
        ("$nul.x", "field_missing"),
        ("Title: $nothing", "field_missing"),
        ("Title: $nothing $nul", "null"),
        ("$__proto__", "field_missing"),
    ],
)
def test_a_task_without_anything_that_is_referred_to_has_a_reason(value, code):
    with pytest.raises(InputError) as problem:
        filled(value, DATA)
    assert problem.value.code == code


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (12.0, "12"),
        (12.5, "12.5"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (123456789.125, "123456789.125"),
        (1e20, "100000000000000000000"),
        (1.2345678901234567e20, "123456789012345670000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (10**23, "100000000000000000000000"),
        (True, "true"),
        (False, "false"),
        (["great", "film"], "great,film"),
        (["x", 2, None, ["p", "q"], {"k": 1}, 1.0], "x,2,,p,q,[object Object],1"),
        ([], ""),
    ],
)
def test_values_become_the_texts_that_javascript_makes_of_them(value, text):
    assert text_of(value) == text


def test_json_is_written_as_javascript_writes_it():
    value = {"x": 1.50, "y": [1, "ü", None, True], "z": {}}
    assert json_of(value) == '{"x":1.5,"y":[1,"ü",null,true],"z":{}}'


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("$text", {"text"}),
        ("$a.b", {"a.b", "a"}),
        ("$items[0].text", {"items[0].text", "items"}),
        ("$title: $body", {"title", "body"}),
        ("none", set()),
    ],
)
def test_the_keys_in_which_a_value_may_find_its_data(value, names):
    assert keys(value) == names


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_a_large_field_that_is_referred_to_a_thousand_times_takes_no_memory():
    text = filled("Read $a. " * 1_000, {"a": "x" * 1_000_000})
    assert text.startswith("Read xxx")
    assert len(text) < 10_000_000


@given(st.text(alphabet="$ab0.[]{} \"'", max_size=12), JSON)
def test_no_value_and_no_data_raise_anything_else(value, data):
    for task in (data, {"a": data, "b": data}):
        try:
            text_of(filled(value, task))
        except InputError:
            continue


def test_data_that_are_nested_too_deeply_have_a_reason():
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(InputError) as problem:
        text_of(deep)
    assert problem.value.code == "not_text"
