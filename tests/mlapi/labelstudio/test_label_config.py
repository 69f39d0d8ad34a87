"""Parsing of label configs, and which are refused."""

from contextlib import suppress
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from mlapi.labelstudio import elements, label_config
from mlapi.labelstudio.label_config import InvalidLabelConfig, parse

# What XML can carry in an attribute, without the white space that it normalises.
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cn"], exclude_characters="$"),
    min_size=1,
    max_size=20,
)


def choices(*labels: str, attrs: str = "") -> str:
    inside = "".join(f"<Choice value={quoteattr(label)}/>" for label in labels)
    return (
        '<View><Text name="text" value="$text"/>'
        f'<Choices name="label" toName="text" {attrs}>{inside}</Choices></View>'
    )


def test_a_control_knows_its_object_its_field_and_its_labels():
    config = parse(choices("Positive", "Negative"))
    (control,) = config.controls
    assert (control.name, control.tag, control.to_name) == ("label", "Choices", ("text",))
    assert control.labels == ("Positive", "Negative")
    assert config.objects["text"].field == "text"
    assert config.objects["text"].tag == "Text"
    assert config.control("label") is control
    assert config.control("other") is None


@pytest.mark.parametrize(
    ("attrs", "choice"),
    [
        ("", "single"),
        ('choice="single"', "single"),
        ('choice="single-radio"', "single-radio"),
        ('choice="multiple"', "multiple"),
        ('choice="nonsense"', "single"),
    ],
)
def test_how_many_choices_a_control_takes(attrs, choice):
    assert parse(choices("A", "B", attrs=attrs)).controls[0].choice == choice


def test_the_alias_is_the_label():
    config = parse(
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t">'
        '<Choice value="Very good" alias="good"/><Choice value="Bad" alias=""/></Choices></View>'
    )
    assert config.controls[0].labels == ("good", "Bad")


@pytest.mark.parametrize("attribute", ["perRegion", "perItem", "perregion"])
def test_choices_of_a_part_are_marked(attribute):
    control = parse(choices("A", "B", attrs=f'{attribute}="true"')).controls[0]
    assert control.per_region or control.per_item


def test_nested_choices_are_marked_where_the_editor_shows_them():
    xml = (
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t" {}><Choice value="A">'
        '<Choice value="A1"/></Choice><Choice value="B"/></Choices></View>'
    )
    nested = parse(xml.format('allowNested="true"')).controls[0]
    assert nested.nested
    assert nested.writes_paths
    assert nested.labels == ("A", "A1", "B")
    without = parse(xml.format("")).controls[0]
    assert not without.nested
    assert without.labels == ("A", "B")


def test_flat_choices_that_allow_nesting_write_paths_of_one():
    control = parse(choices("A", "B", attrs='allowNested="true"')).controls[0]
    assert control.writes_paths
    assert not control.nested
    assert not parse(choices("A", "B")).controls[0].writes_paths


def test_the_text_between_the_tags_of_a_choice_is_its_value():
    control = parse(
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t">'
        '<Choice value="1">one star</Choice><Choice value="2"> two &amp; more </Choice>'
        '<Choice value="3" alias="three">3 stars</Choice><Choice value="4">\n</Choice>'
        "</Choices></View>"
    ).controls[0]
    # As the editor writes it: the XML of what is inside, stripped.
    assert control.labels == ("one star", "two &amp; more", "three", "4")


@pytest.mark.parametrize(
    "spell", [str.lower, str.upper, str.title, lambda tag: tag], ids=["lower", "upper", "title", ""]
)
def test_tags_are_known_and_attributes_read_in_any_case(spell):
    view, text, all_, one = map(spell, ("View", "Text", "Choices", "Choice"))
    config = parse(
        f'<{view}><{text} name="t" VALUE="$t"/><{all_} NAME="c" toname="t" CHOICE="multiple">'
        f'<{one} Value="a"/><{one} value="b" ALIAS="bee"/></{all_}></{view}>'.replace(
            " NAME", " name"
        )
    )
    (control,) = config.controls
    assert (control.tag, control.choice, control.labels) == ("Choices", "multiple", ("a", "bee"))
    assert (config.objects["t"].tag, config.objects["t"].field) == ("Text", "t")


def test_hypertext_holds_markup_and_no_tags_of_the_config():
    config = parse(
        '<View><HyperText name="h"><p>Dear <b>$who</b></p><Text name="no" value="$no"/>'
        '</HyperText><Choices name="c" toName="h"><Choice value="a"/></Choices></View>'
    )
    assert set(config.objects) == {"h"}
    assert config.objects["h"].value.startswith("<p>Dear <b>$who</b></p>")


def test_a_chat_is_an_object_also_where_messages_are_written_in_it():
    config = parse('<View><Chat name="chat" value="$chat" toName="chat"/></View>')
    assert [c.name for c in config.controls] == ["chat"]
    assert config.objects["chat"].field == "chat"


def test_controls_of_a_repeater_are_marked():
    config = parse(
        '<View><Repeater on="$turns"><Text name="t_{{idx}}" value="$turns[{{idx}}].text"/>'
        '<Choices name="c_{{idx}}" toName="t_{{idx}}"><Choice value="a"/></Choices></Repeater>'
        "</View>"
    )
    assert config.controls[0].repeated


def test_choices_in_a_view_in_choices_are_not_nested():
    config = parse(
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t"><View><Header value="x"/>'
        '<View><Choice value="A"/></View></View><Choice value="B"/></Choices></View>'
    )
    assert config.controls[0].labels == ("A", "B")
    assert not config.controls[0].nested


@pytest.mark.parametrize("attrs", ['value="$options"', 'apiUrl="http://x/y"'])
def test_choices_that_a_task_brings_along_are_dynamic(attrs):
    assert parse(choices(attrs=attrs)).controls[0].dynamic


def test_a_choice_that_refers_to_the_task_is_dynamic_unless_it_has_an_alias():
    assert parse(choices("$a", "B")).controls[0].dynamic
    assert not parse(choices("costs 5 $", "B")).controls[0].dynamic
    aliased = parse(
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t">'
        '<Choice value="$a" alias="first"/><Choice value="B"/></Choices></View>'
    )
    assert not aliased.controls[0].dynamic


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("$text", "text"),
        ("$a_1", "a_1"),
        ("$a.b", "a.b"),
        ("Hello $name", None),
        ("plain", None),
        ("$items[0]", None),
        ("$a $b", None),
    ],
)
def test_the_field_of_an_object(value, field):
    config = parse(f'<View><Text name="t" value="{value}"/></View>')
    assert config.objects["t"].field == field


def test_the_value_type_of_an_object():
    config = parse('<View><Text name="t" value="$t" valueType="url"/></View>')
    assert config.objects["t"].value_type == "url"


def test_every_kind_of_control_is_read():
    config = parse(
        '<View><Image name="img" value="$image"/><Video name="v" value="$video"/>'
        '<RectangleLabels name="box" toName="img"><Label value="Car" background="red"/>'
        '</RectangleLabels><VideoRectangle name="vr" toName="v"/>'
        '<Rating name="r" toName="img,v" maxRating="7"/>'
        '<Filter name="f" toName="box"/><Header value="Hi"/></View>'
    )
    assert [c.name for c in config.controls] == ["box", "vr", "r"]
    assert config.control("box").labels == ("Car",)
    assert config.control("r").to_name == ("img", "v")
    assert config.control("r").attr("maxrating") == "7"
    assert config.control("r").choice == ""
    assert set(config.objects) == {"img", "v"}


def test_a_config_without_controls_is_one():
    assert parse("<View></View>").controls == ()


BILLION_LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><View>&c;</View>'
)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "   ",
        "no xml",
        "<View>",
        "<View></View><View></View>",
        "<View>\x00</View>",
        "<View>\ud800</View>",
        BILLION_LAUGHS,
        '<!DOCTYPE v SYSTEM "http://127.0.0.1/x.dtd"><View></View>',
        '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><View>&x;</View>',
        "<View>&unknown;</View>",
        "<View>" * 100_000 + "</View>" * 100_000,
        "<View>" + "<A/>" * 60_000 + "</View>",
        "<View>" + " " * elements.MAX_CHARACTERS + "</View>",
        '<View><Text name="a" value="$a"/><Text name="a" value="$b"/></View>',
        '<View><Text name="a" value="$a"/><Choices name="a" toName="a"/></View>',
    ],
    ids=lambda xml: xml[:30],
)
def test_a_text_that_is_no_label_config_is_refused_with_a_reason(xml):
    with pytest.raises(InvalidLabelConfig) as refused:
        parse(xml)
    assert refused.value.status == 400
    message = refused.value.message
    # It becomes the HTTP reason phrase.
    assert message.isascii()
    assert message.isprintable()
    assert len(message) <= 120
    assert "passwd" not in message


@given(st.lists(NAMES, min_size=1, max_size=8, unique=True))
def test_labels_come_back_as_they_were_written(labels):
    assert parse(choices(*labels)).controls[0].labels == tuple(labels)


@pytest.mark.parametrize(
    "labels",
    [
        ("SELECT", "DROP TABLE task; --", "null"),
        ('say "no"', "it's", "a,b", "<b>", "&amp;"),
        ("😀", "да", "नहीं", "خ"),
    ],
)
def test_any_text_can_be_a_label(labels):
    assert parse(choices(*labels)).controls[0].labels == labels


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text):
    with suppress(InvalidLabelConfig):
        parse(text)


@given(st.lists(st.tuples(NAMES, st.none() | NAMES), min_size=1, max_size=6))
def test_it_reads_labels_as_label_studios_own_parser_does(pairs):
    inside = "".join(
        f"<Choice value={quoteattr(value)}" + (f" alias={quoteattr(alias)}/>" if alias else "/>")
        for value, alias in pairs
    )
    xml = f'<View><Text name="t" value="$t"/><Choices name="c" toName="t">{inside}</Choices></View>'
    assert set(parse(xml).controls[0].labels) == set(LabelInterface(xml).get_control("c").labels)


def test_the_same_text_is_parsed_once():
    config = '<View><Text name="t" value="$t"/><Choices name="c" toName="t"/></View>'
    assert parse(config) is parse("".join(config))
    assert label_config.data_sources(config) is label_config.data_sources("".join(config))


def test_a_name_that_cannot_be_stored_is_refused():
    name = "n" * (label_config.MAX_NAME + 1)
    with pytest.raises(label_config.InvalidLabelConfig, match="name is longer"):
        label_config.parse(f'<View><Text name="{name}" value="$text"/></View>')
    config = label_config.parse(f'<View><Text name="{name[1:]}" value="${name}"/></View>')
    assert config.objects[name[1:]].field is None


def test_markup_that_is_nested_without_end_has_a_reason():
    inside = "<p>" * 3_000 + "$text" + "</p>" * 3_000

    with pytest.raises(InvalidLabelConfig, match="deeper than 200"):
        parse(f'<View><HyperText name="t">{inside}</HyperText></View>')


@pytest.mark.parametrize(("stars", "most"), [("9" * 5_000, 100), ("x", 0), ("-1", 0), ("7", 7)])
def test_a_rating_has_labels_for_a_bounded_number_of_stars(stars, most):
    config = parse(f'<View><Rating name="r" toName="t" maxRating="{stars}"/></View>')

    assert len(config.controls[0].labels) == most
