"""Matching of label configs to pipelines, and the reasons why one is not served."""

import subprocess
import sys

import pytest

from mlapi import pipelines
from mlapi.labelstudio.label_config import MAX_CONTROLS, parse

CHOICES = '<Choice value="a"/><Choice value="b"/>'


def config(*tags: str) -> str:
    return f"<View>{''.join(tags)}</View>"


def choices(inside: str = CHOICES, name: str = "c", to: str = "t", attrs: str = "") -> str:
    return f'<Choices name="{name}" toName="{to}" {attrs}>{inside}</Choices>'


def text(tag: str = "Text", name: str = "t", value: str = "$text", attrs: str = "") -> str:
    return f'<{tag} name="{name}" value="{value}" {attrs}/>'


@pytest.mark.parametrize("tag", ["Text", "HyperText", "Paragraphs"])
@pytest.mark.parametrize(
    ("choice", "kind"),
    [("", "choice"), ("single", "choice"), ("single-radio", "choice"), ("multiple", "choices")],
)
def test_choices_on_every_kind_of_text_are_served(tag, choice, kind):
    attrs = f'choice="{choice}"' if choice else ""
    matched = pipelines.match(parse(config(text(tag), choices(attrs=attrs))))

    (target,) = matched.targets
    assert matched.pipeline == "text_classification"
    assert (target.kind, target.object_tag, target.labels) == (kind, tag, ("a", "b"))
    assert pipelines.why_not(matched) == ""


def test_names_fields_and_aliases_are_the_configs_own():
    inside = '<Choice value="Good" alias="g"/><Choice value="SELECT, \'x\' 😀"/>'
    xml = config(
        text(name="a body", value="$the_body"),
        choices(inside, name="Mood!", to="a body"),
        text("HyperText", "page", "$html"),
        choices(name="second", to="page", attrs='choice="multiple"'),
    )

    first, second = pipelines.match(parse(xml)).targets

    assert (first.name, first.object_name, first.field) == ("Mood!", "a body", "the_body")
    assert first.labels == ("g", "SELECT, 'x' 😀")
    assert (second.name, second.field, second.kind) == ("second", "html", "choices")


def test_paragraphs_keep_the_names_of_their_keys():
    xml = config(text("Paragraphs", attrs='nameKey="who" textKey="said"'), choices())

    (target,) = pipelines.match(parse(xml)).targets

    assert (target.author_key, target.text_key) == ("who", "said")


NOT_SERVED = {
    "per_region": config(text(), choices(attrs='perRegion="true"')),
    "per_item": config(text("Paragraphs"), choices(attrs='perItem="true"')),
    "nested": config(
        text(),
        choices(
            f'<Choice value="x">{CHOICES}</Choice><Choice value="y"/>', attrs='allowNested="true"'
        ),
    ),
    "dynamic": config(text(), choices("", attrs='value="$options"')),
    "value_is_url": config(text(attrs='valueType="url"'), choices()),
    "object_not_served": config(text("Audio"), choices()),
    "several_images": config(text("Image", attrs='valueList="$all"'), choices()),
    "option_needed": config(text("Image"), '<TextArea name="c" toName="t"/>'),
    "object_missing": config(text(), choices(to="nowhere")),
    "several_objects": config(text(), text("Image", name="u"), choices(to="t,u")),
    "field_unclear": config(text(value="Read this"), choices()),
    "two_objects_needed": config(text(), '<Pairwise name="c" toName="t"/>'),
    "repeater": f'<View><Repeater on="$all">{text()}{choices()}</Repeater></View>',
    "region_needed": f'<View>{text()}<View visibleWhen="region-selected">{choices()}</View></View>',
    "parent_not_served": config(
        text(), choices(attrs='visibleWhen="choice-selected" whenTagName="gone"')
    ),
    "too_few_labels": config(text(), choices('<Choice value="a"/>')),
    "no_labels": config(text(), choices("", attrs='choice="multiple"')),
    "control_not_served": config(text(), '<TextArea name="c" toName="t"/>'),
}


@pytest.mark.parametrize("code", NOT_SERVED)
def test_each_unserved_config_has_a_reason_of_its_own(code):
    matched = pipelines.match(parse(NOT_SERVED[code]))

    assert matched.targets == ()
    assert matched.pipeline == ""
    assert [u.code for u in matched.unserved] == [code]
    reason = pipelines.why_not(matched)
    assert 0 < len(reason) <= 120
    assert reason.isascii()
    assert reason.isprintable()


def test_every_reason_has_a_text_of_its_own():
    reasons = {pipelines.why_not(pipelines.match(parse(xml))) for xml in NOT_SERVED.values()}

    assert len(reasons) == len(NOT_SERVED)


def test_controls_that_can_be_served_are_served_beside_others():
    xml = config(text(), choices(), choices(name="d", attrs='perRegion="true"'))

    matched = pipelines.match(parse(xml))

    assert [t.name for t in matched.targets] == ["c"]
    assert [u.control for u in matched.unserved] == ["d"]


def test_controls_that_wait_for_each_other_are_not_served():
    def waiting(name: str, other: str) -> str:
        return choices(name=name, attrs=f'visibleWhen="choice-selected" whenTagName="{other}"')

    circle = [waiting("c", "d"), waiting("d", "e"), waiting("e", "c"), waiting("f", "f")]
    matched = pipelines.match(
        parse(config(text(), choices(name="b"), *circle, waiting("h", "g"), waiting("g", "b")))
    )

    assert [t.name for t in matched.targets] == ["b", "h", "g"]
    assert {u.control: u.code for u in matched.unserved} == dict.fromkeys(
        "cdef", "parent_not_served"
    )


def test_a_control_that_waits_for_stars_is_not_served():
    waiting = choices(name="c", attrs='visibleWhen="choice-selected" whenTagName="stars"')
    matched = pipelines.match(parse(config(text(), '<Rating name="stars" toName="t"/>', waiting)))

    assert [t.name for t in matched.targets] == ["stars"]
    assert [(u.control, u.code) for u in matched.unserved] == [("c", "parent_not_served")]


def test_a_control_that_waits_for_one_that_it_hides_is_served_in_any_order():
    waiting = choices(name="c", attrs='visibleWhen="choice-selected" whenTagName="d"')
    hidden = choices(name="d", attrs='visibleWhen="choice-unselected" whenTagName="c"')
    for tags in ((waiting, hidden), (hidden, waiting)):
        assert len(pipelines.match(parse(config(text(), *tags))).targets) == 2


@pytest.mark.timeout(30)
def test_a_chain_of_as_many_controls_as_a_config_may_have_is_followed_once():
    n, gone = MAX_CONTROLS - 101, 100
    chain = (
        choices(name=f"c{i}", attrs=f'visibleWhen="choice-selected" whenTagName="c{i - 1}"')
        for i in range(n, 0, -1)
    )
    others = (choices(name=f"d{i}", attrs='whenChoiceValue="gone"') for i in range(gone))
    xml = config(text(), *chain, choices(name="c0"), *others)
    assert len(pipelines.match(parse(xml)).targets) == n + 1


def test_one_label_is_enough_to_tag_with():
    xml = config(text(), choices('<Choice value="spam"/>', attrs='choice="multiple"'))

    assert len(pipelines.match(parse(xml)).targets) == 1


def test_a_config_without_controls_says_what_to_add():
    assert "Add Choices on Text" in pipelines.why_not(pipelines.match(parse(config(text()))))


def test_the_fingerprint_is_of_targets_and_labels_only():
    def fingerprint(*tags: str) -> str:
        return pipelines.fingerprint(pipelines.match(parse(config(*tags))))

    base = fingerprint(text(), choices())
    swapped = '<Choice value="b"/><Choice value="a"/>'
    renamed = '<Choice value="a"/><Choice value="c"/>'

    assert fingerprint("<Header value='hi'/>", text(attrs='granularity="word"'), choices()) == base
    assert fingerprint(text(), choices(swapped)) == base
    assert fingerprint(text(), choices(renamed)) != base
    assert fingerprint(text(value="$body"), choices()) != base
    assert fingerprint(text(), choices(attrs='choice="multiple"')) != base


def test_matching_a_config_loads_neither_evadb_nor_scikit_learn():
    """`/setup` and `/webhook` match configs, and must start and answer at once."""
    script = (
        "import sys; from mlapi import pipelines; from mlapi.labelstudio.label_config import parse;"
        f"assert pipelines.match(parse({config(text(), choices())!r})).targets;"
        "print([m for m in ('evadb', 'sklearn', 'pandas', 'numpy') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
