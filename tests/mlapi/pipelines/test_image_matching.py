"""Matching of label configs with images to pipelines, also by options."""

import pytest

from mlapi import label_types, pipelines
from mlapi.domain import InputError, InvalidOption, UnknownOption
from mlapi.labelstudio.label_config import parse

CHOICES = '<Choice value="cat"/><Choice value="dog"/>'
IMAGE = '<Image name="img" value="$image"/>'


def choices(name="kind", inside=CHOICES, attrs="") -> str:
    return f'<Choices name="{name}" toName="img" {attrs}>{inside}</Choices>'


def matched(*tags: str, **options):
    return pipelines.match(parse(f"<View>{''.join(tags)}</View>"), options)


@pytest.mark.parametrize(
    ("attrs", "kind"),
    [("", "single"), ('choice="single"', "single"), ('choice="multiple"', "multiple")],
)
def test_choices_on_an_image_are_classified(attrs, kind):
    found = matched(IMAGE, choices(attrs=attrs))

    (target,) = found.targets
    assert found.pipeline == "image_classification"
    shape = label_types.shape_of(target)
    assert (shape, target.object_tag, target.field) == (kind, "Image", "image")
    assert target.labels == ("cat", "dog")


TEXT = '<Text name="t" value="$text"/>'
TOPIC = f'<Choices name="topic" toName="t">{CHOICES}</Choices>'


def pipelines_of(found):
    return {target.name: target.pipeline for target in found.targets}


def test_texts_and_images_of_one_config_each_have_their_pipeline():
    found = matched(IMAGE, choices(), TEXT, TOPIC)

    assert pipelines_of(found) == {
        "kind": "image_classification",
        "topic": "text_classification",
    }
    assert found.unserved == ()


def test_a_config_of_two_pipelines_has_another_fingerprint_than_one_of_either():
    both = [matched(IMAGE, choices(), TEXT, TOPIC), matched(TEXT, TOPIC, IMAGE, choices())]
    either = [matched(IMAGE, choices()), matched(TEXT, TOPIC)]

    assert len({pipelines.fingerprint(m) for m in both}) == 1
    assert len({pipelines.fingerprint(m) for m in (*both, *either)}) == 3


def test_an_option_chooses_the_pipeline_of_one_control_only():
    controls = (choices("other"), choices(), TEXT, TOPIC)
    similar = matched(IMAGE, *controls, similar_to={"control": "kind", "label": "dog"})
    clusters = matched(IMAGE, *controls, cluster="kind")

    others = {"other": "image_classification", "topic": "text_classification"}
    assert pipelines_of(similar) == {"kind": "image_similarity", **others}
    assert pipelines_of(clusters) == {"kind": "image_clusters", **others}


def test_a_control_that_waits_for_one_of_another_pipeline_is_served():
    waiting = (
        '<Choices name="topic" toName="t" visibleWhen="choice-selected" whenTagName="kind" '
        f'whenChoiceValue="dog">{CHOICES}</Choices>'
    )
    assert set(pipelines_of(matched(IMAGE, choices(), TEXT, waiting))) == {"kind", "topic"}


@pytest.mark.parametrize("option", ["dog", {"control": "kind", "label": "dog"}])
def test_an_option_asks_for_what_is_like_a_label(option):
    found = matched(IMAGE, choices("first", '<Choice value="x"/>'), choices(), similar_to=option)

    assert found.pipeline == "image_similarity"
    assert [t.name for t in found.targets] == ["kind"]
    assert found.targets[0].labels == ("cat", "dog")


def test_another_label_of_similar_to_has_another_fingerprint():
    one, other = (matched(IMAGE, choices(), similar_to=label) for label in ("cat", "dog"))

    assert len({pipelines.fingerprint(m) for m in (one, other, matched(IMAGE, choices()))}) == 3


def test_one_label_is_enough_for_similarity():
    assert matched(IMAGE, choices(inside='<Choice value="this"/>'), similar_to="this").targets


@pytest.mark.parametrize(
    ("control", "labels"),
    [
        ('<TextArea name="group" toName="img"/>', ()),
        (choices("group"), ("cat", "dog")),
        (
            '<Taxonomy name="group" toName="img"><Choice value="Animal"><Choice value="Cat"/>'
            "</Choice></Taxonomy>",
            ("Animal", "Animal / Cat"),
        ),
    ],
)
def test_an_option_asks_for_clusters_named_by_a_control(control, labels):
    found = matched(IMAGE, control, cluster="group")

    (target,) = found.targets
    assert found.pipeline == "image_clusters"
    assert (target.name, label_types.shape_of(target), target.labels) == ("group", "single", labels)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"similar_to": "bird"}, "label_not_found"), ({"cluster": "nothing"}, "control_not_found")],
)
def test_an_option_that_names_nothing_serves_nothing_and_says_so(options, code):
    found = matched(IMAGE, choices(), **options)

    assert found.targets == ()
    assert [u.code for u in found.unserved] == [code]
    assert pipelines.why_not(found).isascii()
    assert len(pipelines.why_not(found)) <= 120


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("image_similarity", {"similar_to": ""}, InvalidOption),
        ("image_similarity", {"similar_to": {"label": "x"}}, InvalidOption),
        ("image_similarity", {"k": 0}, InvalidOption),
        ("image_clusters", {"cluster": 5}, InvalidOption),
        ("image_clusters", {"cluster": False}, InvalidOption),
        ("image_clusters", {"clusters": 1}, InvalidOption),
        ("image_clusters", {"clusters": "ten"}, InvalidOption),
        ("image_classification", {"features": "resnet"}, InvalidOption),
        ("image_clusters", {"features": "hf:/no/such/model"}, InvalidOption),
        ("image_similarity", {"neighbours": 5}, UnknownOption),
        ("image_classification", {"k": 5}, UnknownOption),
    ],
)
def test_options_that_a_pipeline_of_images_cannot_use_are_refused_by_name(name, value, error):
    with pytest.raises(error) as refused:
        pipelines.get(name).validate_options(value)

    assert refused.value.message.isascii()
    if error is InvalidOption:
        assert next(iter(value)) in refused.value.message or refused.value.hint


def test_pipelines_of_images_share_some_options_and_have_others_of_their_own():
    shared = {"time_budget_s": None, "seed": 3, "features": "opencv"}
    own = {
        "image_classification": {"automl": "off", "rare_labels": "balanced"},
        "image_similarity": {"similar_to": None, "k": 10},
        "image_clusters": {"cluster": None, "clusters": None},
    }
    for name, options in own.items():
        assert pipelines.get(name).validate_options({"seed": 3}) == shared | options


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/data/upload/1/a.png", "/data/upload/1/a.png", True),
        (
            "https://b.example/x.png?X-Amz-Signature=1",
            "https://b.example/x.png?X-Amz-Signature=2",
            True,
        ),
        ("https://b.example/x.png?sig=1&sv=2", "https://b.example/x.png?sig=3&sv=2", True),
        ("https://b.example/x.png?token=1#top", "https://b.example/x.png", True),
        ("/data/local-files/?d=one.png", "/data/local-files/?d=two.png", False),
        ("https://b.example/show?id=1", "https://b.example/show?id=2", False),
        ("https://b.example/%", "https://b.example/", False),
    ],
)
def test_an_image_signed_twice_is_one_input(one, other, same):
    pipeline = pipelines.get("image_classification")
    targets = matched(IMAGE, choices()).targets

    keys = [pipeline.input.keys({"image": address}, targets) for address in (one, other)]

    assert (keys[0] == keys[1]) is same


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "field_missing"),
        ({"image": None}, "null"),
        ({"image": 5}, "not_an_address"),
        ({"image": ["a.png"]}, "not_an_address"),
        ({"image": " "}, "empty"),
        ({"image": "x" * 9_000}, "not_an_address"),
    ],
)
def test_a_task_without_an_address_has_its_reason(data, code):
    pipeline = pipelines.get("image_classification")
    (target,) = matched(IMAGE, choices()).targets

    with pytest.raises(InputError) as problem:
        pipeline.input.read(data, target)

    assert problem.value.code == code
    assert pipeline.input.keys(data, [target]) == [""]


def test_the_address_of_an_image_is_filled_in_as_the_editor_does():
    xml = (
        '<View><Image name="i" value="https://files.example/$items[0].file"/>'
        '<Choices name="c" toName="i"><Choice value="a"/><Choice value="b"/></Choices></View>'
    )
    matched = pipelines.match(parse(xml))
    pipeline = pipelines.get(matched.pipeline)
    data = {"items": [{"file": "one.png"}]}
    assert matched.pipeline == "image_classification"
    assert pipeline.input.read(data, matched.targets[0]) == "https://files.example/one.png"
