"""The engine that the registry calls."""

import pytest

from mlapi import pipelines
from mlapi.domain import InvalidOption, UnknownOption
from mlapi.errors import NotServed
from mlapi.texts.encoders import loading
from registry.admin.project_form import project_form
from registry.engine import engine
from registry.errors import EvalsError
from tests.factories import LABEL_CONFIG, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db


def test_options_get_their_defaults():
    options = engine().validate_options(ProjectFactory(), {"automl": "off"})
    assert options["automl"] == "off"
    assert options["seed"] == 0


@pytest.mark.parametrize(
    ("options", "error"), [({"automl": "maybe"}, InvalidOption), ({"speed": 9}, UnknownOption)]
)
def test_a_wrong_option_is_refused(options, error):
    with pytest.raises(error):
        engine().validate_options(ProjectFactory(), options)


def test_a_project_that_nothing_serves_has_no_options():
    project = ProjectFactory(pipeline="", label_config="<View/>")
    assert engine().validate_options(project, {}) == {}
    with pytest.raises(EvalsError):
        engine().validate_options(project, {"automl": "off"})


def test_each_control_that_is_not_served_has_its_reason():
    note = '<TextArea name="note" toName="text"/><Labels name="names" toName="text"/>'
    project = ProjectFactory(label_config=LABEL_CONFIG.replace("</View>", f"{note}</View>"))
    found = engine().unserved_controls(project)
    assert [(one["control"], one["code"]) for one in found] == [
        ("note", "control_not_served"),
        ("names", "control_not_served"),
    ]
    assert all(one["message"] for one in found)
    assert engine().unserved_controls(ProjectFactory()) == []


def test_a_missing_encoder_is_named_where_texts_are_learned_without_it(monkeypatch):
    monkeypatch.setattr(loading, "_PACKAGES", ("no_such_package",))
    texts, images = ProjectFactory(), ProjectFactory(pipeline="image_classification")

    message, cure = engine().missing_package([images, texts])

    assert "no_such_package" in message
    assert "requirements-encoder.txt" in cure
    texts.options = {"encoder": "none"}
    assert engine().missing_package([images, texts]) is None


@pytest.mark.encoder
def test_an_encoder_that_is_there_is_not_missing():
    assert engine().missing_package([ProjectFactory()]) is None


def test_a_task_is_described_by_its_text_and_its_page():
    project = ProjectFactory(uid="7.1795420847", hostname="http://localhost:8080/")
    task = TaskFactory(project=project, labelstudio_id=31, data={"text": "It works."})
    assert engine().describe_tasks(project, [task]) == [
        {
            "kind": "text",
            "text": "It works.",
            "url": "http://localhost:8080/projects/7/data?task=31",
        }
    ]


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": {"a": 5}}, {"other": "field"}])
def test_a_task_without_its_text_is_described_without(data):
    task = TaskFactory(data=data)
    assert engine().describe_tasks(task.project, [task])[0]["text"] == ""


def test_the_connection_check_says_what_is_missing():
    project = ProjectFactory(hostname="")
    report = engine().check_connection(project)
    assert report["ok"] is False
    project.refresh_from_db()
    assert project.connection["failed"] == report["failed"]


def test_a_page_of_tasks_matches_the_label_config_once(monkeypatch):
    project = ProjectFactory(label_config=LABEL_CONFIG.replace("Positive", "of this test alone"))
    tasks = [TaskFactory(project=project, data={"text": f"text {n}"}) for n in range(30)]
    matched = []
    match = pipelines.match
    monkeypatch.setattr(pipelines, "match", lambda *args: matched.append(1) or match(*args))
    views = engine().describe_tasks(project, tasks)
    assert [one["text"] for one in views] == [f"text {n}" for n in range(30)]
    assert len(matched) == 1
    engine().describe_tasks(project, tasks)
    assert len(matched) == 1


def test_an_option_that_chooses_nothing_is_refused_also_where_other_controls_are_served():
    config = (
        '<View><Text name="t" value="$text"/><Choices name="topic" toName="t">'
        '<Choice value="a"/><Choice value="b"/></Choices>'
        '<Image name="img" value="$image"/><Choices name="kind" toName="img">'
        '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
    )
    project = ProjectFactory(label_config=config)
    with pytest.raises(NotServed, match="similar_to names no label"):
        engine().validate_options(project, {"similar_to": "bird"})
    found = engine().validate_options(project, {"similar_to": "dog", "seed": 3})
    assert (found["similar_to"], found["seed"]) == ("dog", 3)
    found = engine().validate_options(project, {"seed": 3})
    assert "automl" not in found  # texts and images have another default


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"controls": {"shape": {"k": 5}}}, "The label config has no control"),
        ({"controls": {"label": {"k": 5}}}, "k is an option of image_similarity, and label is"),
        ({"controls": {"label": {"similar_to": "Positive"}}}, "The options of label serve"),
        ({"controls": {"label": 5}}, "Such as"),
    ],
)
def test_invalid_options_of_a_control_are_refused_with_the_reason(options, error):
    with pytest.raises(EvalsError) as raised:
        engine().validate_options(ProjectFactory(), options)
    assert error in raised.value.sentence


IMAGES = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
)
BOTH = LABEL_CONFIG.replace("</View>", IMAGES.removeprefix("<View>"))


def offered(config, control="", **options):
    project = ProjectFactory(label_config=config, options=options)
    found = [field for field in engine().options(project) if field.control == control]
    return {field.name: field for field in found}


def test_a_project_of_texts_is_offered_the_options_of_texts_only():
    found = offered(LABEL_CONFIG)
    assert set(found) == {
        *("automl", "rare_labels", "time_budget_s", "seed", "encoder", "encoder_tokens"),
    }
    assert [value for value, _ in found["automl"].choices] == ["auto", "on", "off"]
    tokens = found["encoder_tokens"]
    assert (tokens.is_whole, tokens.low, tokens.high, tokens.default) == (True, 16, 256, 64)
    assert all(field.title and field.help for field in found.values())
    assert offered(LABEL_CONFIG, "label") == {}  # one control: those of the project are its own


def test_a_label_to_be_similar_to_is_one_of_the_configs_and_a_control_to_cluster_its_own():
    found = offered(IMAGES)
    assert [value for value, _ in found["similar_to"].choices] == ["cat", "dog"]
    assert [value for value, _ in found["cluster"].choices] == ["kind"]
    assert "k" not in found  # until something is filled by similarity
    assert "k" in offered(IMAGES, similar_to="cat")


def test_each_of_several_controls_is_offered_what_applies_to_it():
    assert set(offered(BOTH, "label")) == {"automl", "rare_labels"}
    assert set(offered(BOTH, "kind")) == {"automl", "rare_labels", "similar_to", "cluster"}
    assert [value for value, _ in offered(BOTH, "kind")["cluster"].choices] == [True]
    assert offered(BOTH)["automl"].default is None  # texts and images have another


def test_a_stored_value_that_the_config_does_not_have_stays_among_the_choices():
    found = offered(IMAGES, similar_to="bird")
    assert "bird" in [value for value, _ in found["similar_to"].choices]


def test_every_choice_that_is_offered_is_accepted():
    for config in (LABEL_CONFIG, IMAGES, BOTH):
        project = ProjectFactory(label_config=config)
        for field in engine().options(project):
            for value, _ in field.choices:
                one = {field.name: value}
                options = {"controls": {field.control: one}} if field.control else one
                engine().validate_options(project, options)


def test_the_form_names_the_field_of_an_option_that_is_refused():
    project = ProjectFactory(label_config=IMAGES)
    values = {"promotion_rule": "never", "option_features": "words"}
    form = project_form(project)(values, instance=project)
    assert not form.is_valid()
    assert list(form.errors) == ["option_features"]


def test_a_config_that_cannot_be_read_has_no_options():
    assert engine().options(ProjectFactory(label_config="")) == []
    assert engine().options(ProjectFactory(label_config="<View")) == []


def test_options_of_two_pipelines_are_checked_by_the_one_that_has_them():
    config = LABEL_CONFIG.replace(
        "</View>",
        '<Image name="img" value="$image"/><Choices name="kind" toName="img">'
        '<Choice value="cat"/><Choice value="dog"/></Choices></View>',
    )
    project = ProjectFactory(label_config=config)
    with pytest.raises(UnknownOption):
        engine().validate_options(project, {"colour": "red"})
    with pytest.raises(InvalidOption):
        engine().validate_options(project, {"features": "words"})
    assert engine().validate_options(project, {"automl": "on"})["automl"] == "on"
