"""Visibility of controls by the conditions of label configs, as in Label Studio's editor."""

import pytest

from mlapi import label_types
from mlapi.labelstudio.elements import InvalidLabelConfig
from mlapi.labelstudio.label_config import MAX_CONTROLS, parse
from mlapi.labelstudio.results import prediction
from mlapi.labelstudio.visibility import visible_controls


def control(name: str, *labels: str, attrs: str = "", tag: str = "Choices") -> str:
    inside = "".join(f'<Choice value="{label}"/>' for label in labels)
    return f'<{tag} name="{name}" toName="t" {attrs}>{inside}</{tag}>'


def config(*tags: str) -> str:
    return f'<View><Text name="t" value="$t"/>{"".join(tags)}</View>'


def when(kind: str, tag: str = "", values: str = "") -> str:
    attrs = f'visibleWhen="{kind}"'
    attrs += f' whenTagName="{tag}"' if tag else ""
    return attrs + (f' whenChoiceValue="{values}"' if values else "")


KIND = control("kind", "plant", "animal", "stone")
WHICH = ("cat", "dog")


def is_shown(name: str, xml: str, **chosen: str | list[str]) -> bool:
    listed = {n: [value] if isinstance(value, str) else value for n, value in chosen.items()}
    return name in visible_controls(parse(xml).controls, listed)


CASES = [
    # The condition, the chosen values, and whether the control is visible.
    (when("choice-selected", "kind", "animal"), {"kind": "animal"}, True),
    (when("choice-selected", "kind", "animal"), {"kind": "plant"}, False),
    (when("choice-selected", "kind", "animal"), {}, False),
    (when("choice-selected", "kind", "animal,stone"), {"kind": "stone"}, True),
    (when("choice-selected", "kind", "animal, stone"), {"kind": "stone"}, False),
    (when("choice-selected", "kind"), {"kind": "plant"}, True),
    (when("choice-selected", "kind"), {}, False),
    (when("choice-selected", "kind", "nothing"), {"kind": "plant"}, False),
    (when("choice-selected"), {"kind": "plant"}, True),
    (when("choice-selected"), {"which": "cat"}, False),
    (when("choice-selected", "nobody"), {"kind": "plant"}, False),
    (when("choice-unselected", "kind", "animal"), {"kind": "animal"}, False),
    (when("choice-unselected", "kind", "animal"), {"kind": "plant"}, True),
    (when("choice-unselected", "kind", "animal"), {}, True),
    (when("choice-unselected", "kind"), {"kind": "plant"}, False),
    (when("choice-unselected"), {}, True),
    (when("no-region-selected"), {}, True),
    (when("of-a-later-release", "kind", "animal"), {}, True),
    ('whenChoiceValue="animal"', {"kind": "animal"}, True),
    ('whenChoiceValue="animal"', {"kind": "plant"}, False),
    ('whenChoiceValue="animal,plant"', {"kind": "plant"}, False),
    ('whenTagName="kind"', {}, True),
]


@pytest.mark.parametrize(("attrs", "chosen", "expected"), CASES)
@pytest.mark.parametrize("place", ["control", "view", "view above"])
def test_a_control_is_shown_by_what_is_chosen_in_another(place, attrs, chosen, expected):
    if place == "control":
        xml = config(KIND, control("which", *WHICH, attrs=attrs))
    elif place == "view":
        xml = config(KIND, f"<View {attrs}>{control('which', *WHICH)}</View>")
    else:
        inside = f"<View><Header value='x'/>{control('which', *WHICH)}</View>"
        xml = config(KIND, f"<View {attrs}>{inside}</View>")
    assert is_shown("which", xml, **chosen) is expected


def test_all_conditions_above_a_control_hold_together():
    outer, inner = when("choice-selected", "kind"), when("choice-unselected", "kind", "plant")
    xml = config(KIND, f"<View {outer}>{control('which', *WHICH, attrs=inner)}</View>")
    assert is_shown("which", xml, kind="animal")
    assert not is_shown("which", xml, kind="plant")
    assert not is_shown("which", xml)


def test_a_choice_in_a_hidden_control_does_not_count():
    xml = config(
        control("size", "big", "small", attrs=when("choice-selected", "which", "cat")),
        KIND,
        control("which", *WHICH, attrs=when("choice-selected", "kind", "animal")),
        control("other", "x", "y", attrs=when("choice-unselected", "which", "cat")),
    )
    assert is_shown("size", xml, kind="animal", which="cat")
    assert not is_shown("size", xml, kind="plant", which="cat")
    assert is_shown("other", xml, kind="plant", which="cat")


def test_controls_that_wait_for_each_other_are_hidden():
    xml = config(
        control("a", "x", attrs=when("choice-selected", "b")),
        control("b", "x", attrs=when("choice-selected", "a")),
        control("own", "x", attrs=when("choice-selected", "own")),
    )
    assert not visible_controls(parse(xml).controls, {"a": ["x"], "b": ["x"], "own": ["x"]})


def test_a_choice_is_named_by_its_value_or_its_alias():
    kind = (
        '<Choices name="kind" toName="t"><Choice value="Plant" alias="p"/>'
        '<Choice value="A"/><Choice value="1">one star</Choice></Choices>'
    )
    for named, chosen in (("Plant", "p"), ("p", "p"), ("one star", "one star")):
        xml = config(kind, control("which", *WHICH, attrs=when("choice-selected", "kind", named)))
        assert is_shown("which", xml, kind=chosen)
        assert not is_shown("which", xml, kind="A")


def test_of_a_taxonomy_the_end_of_the_path_decides():
    tree = (
        '<Taxonomy name="tree" toName="t"><Choice value="Animal"><Choice value="Cat"/></Choice>'
        '<Choice value="Toy"><Choice value="Cat"/></Choice></Taxonomy>'
    )
    xml = config(tree, control("which", *WHICH, attrs=when("choice-selected", "tree", "Cat")))
    assert is_shown("which", xml, tree="Animal / Cat")
    assert is_shown("which", xml, tree=["Toy / Cat", "Toy"])
    assert not is_shown("which", xml, tree="Animal")


@pytest.mark.parametrize("attrs", ["", 'whenTagName="kind"', 'whenLabelValue="x"', 'whenRole="u"'])
@pytest.mark.parametrize("on_view", [True, False])
def test_a_control_that_needs_a_selected_region_is_marked(on_view, attrs):
    attrs = f'visibleWhen="region-selected" {attrs}'
    inside = control("which", *WHICH, attrs="" if on_view else attrs)
    xml = config(KIND, f"<View {attrs}>{inside}</View>" if on_view else inside)
    assert parse(xml).control("which").region_only
    assert not parse(xml).control("kind").region_only


def test_a_tag_that_the_editor_never_hides_is_shown():
    rating = f'<Rating name="which" toName="t" {when("choice-selected", "kind", "animal")}/>'
    assert is_shown("which", config(KIND, rating))


def test_any_choice_shows_a_view_that_names_no_control():
    attrs = when("choice-selected", values="animal")
    view = config(KIND, f"<View {attrs}>{control('which', *WHICH)}</View>")
    assert is_shown("which", view, kind="plant")
    assert not is_shown("which", view)
    assert not is_shown("which", config(KIND, control("which", *WHICH, attrs=attrs)), kind="plant")


@pytest.mark.parametrize("named", ["", "stars"])
def test_the_stars_of_a_rating_are_no_choice(named):
    rating = '<Rating name="stars" toName="t"/>'
    xml = config(rating, control("which", *WHICH, attrs=when("choice-selected", named)))
    assert not is_shown("which", xml, stars="3")


def test_a_condition_of_many_controls_is_read_once():
    kinds = [f"k{i}" for i in range(4_000)]
    inside = "".join(control(f"c{i}", "x") for i in range(40))
    attrs = when("choice-selected", "kind", ",".join(kinds))
    xml = config(control("kind", *kinds), f"<View {attrs}>{inside}</View>")
    conditions = [c.conditions for c in parse(xml).controls if c.name != "kind"]
    assert len(conditions) == 40
    assert all(own[0] is conditions[0][0] for own in conditions)
    assert len(conditions[0][0].labels) == 4_000


def test_more_conditions_than_people_write_are_refused():
    kinds = [f"k{i}" for i in range(4_000)]
    inside = "".join(control(f"c{i}", "x") for i in range(60))
    attrs = when("choice-selected", "kind", ",".join(kinds))
    with pytest.raises(InvalidLabelConfig, match="too many conditions"):
        parse(config(control("kind", *kinds), f"<View {attrs}>{inside}</View>"))


def test_a_chain_of_as_many_conditions_as_a_config_may_have_is_followed():
    n = MAX_CONTROLS - 1
    chain = (
        control(f"c{i}", "x", attrs=when("choice-selected", f"c{i - 1}")) for i in range(n, 0, -1)
    )
    controls = parse(config(*chain, control("c0", "x"))).controls
    assert len(visible_controls(controls, {f"c{i}": ["x"] for i in range(n)})) == n + 1


TWO = config(
    KIND,
    f"<View {when('choice-selected', 'kind', 'animal')}>{control('which', *WHICH)}</View>",
    control(
        "colour",
        "red",
        "green",
        attrs='choice="multiple" ' + when("choice-selected", "kind", "plant"),
    ),
)


def predicted(**answers: tuple[str | tuple[str, ...], float]):
    predictions = {}
    for name, (value, score) in answers.items():
        kind = "choice" if isinstance(value, str) else "choices"
        predictions[name] = label_types.get(kind).prediction(name, value, score)
    return prediction(predictions, parse(TWO), "v1-abcdef")


def test_a_hidden_control_has_no_region_and_no_part_in_the_score():
    predictions = predicted(
        kind=("plant", 0.9), which=("cat", 0.51), colour=(("green", "red"), 0.8)
    )
    assert [region["from_name"] for region in predictions["result"]] == ["kind", "colour"]
    assert predictions["score"] == 0.8
    predictions = predicted(kind=("animal", 0.9), which=("cat", 0.51), colour=(("red",), 0.3))
    assert [region["from_name"] for region in predictions["result"]] == ["kind", "which"]
    assert predictions["score"] == 0.51


def test_a_control_whose_parent_has_no_valid_answer_is_hidden():
    assert predicted(which=("cat", 0.9)) is None
    assert predicted(kind=("gone", 0.9), which=("cat", 0.9)) is None
