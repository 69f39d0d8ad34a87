"""A first version that went without vectors, and the run that follows it: once, and whole."""

from dataclasses import replace

import pytest
from django.utils import timezone

from mlapi import jobs
from mlapi.domain import TargetSpec
from mlapi.inputs import TextInput
from mlapi.run_folder.job import TrainingJob
from mlapi.texts import preparation as texts
from mlapi.training import policy
from mlapi.training.preparation import of_inputs
from registry.models import Project, TrainingRun
from registry.models.run import RunKind
from tests.factories import ModelVersionFactory

from .projects import labelled_project, small_programs
from .runs import queued_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.encoder]

TOPIC = TargetSpec("topic", "text", "Text", "text", "choice", ("A", "B"))
DIGIT = TargetSpec("digit", "img", "Image", "image", "choice", ("1", "2"))
ON_TEXTS = ("text_classification", TOPIC)
ON_IMAGES = ("image_classification", DIGIT)


@pytest.fixture
def many_texts(monkeypatch):
    """A project whose texts are more than a first version waits for, and whose AutoML follows."""
    monkeypatch.setattr(texts, "_WORK_OF_A_FIRST_VERSION", 100)
    return labelled_project({"Positive": 150, "Negative": 150})


def begin(project: Project, monkeypatch, behaviour: str = "learn") -> list[TrainingRun]:
    """Carry out the first training and what the jobs queue after it, but no challenger."""
    monkeypatch.setattr("mlapi.training.run.Programs", lambda: small_programs(behaviour))
    ended = []
    run = queued_run(project)
    while run is not None:
        jobs.train(run.pk)
        ended.append(TrainingRun.objects.get(pk=run.pk))
        run = project.runs.filter(kind=RunKind.TRAINING, state="queued").first()
    return ended


@pytest.mark.parametrize("behaviour", ["learn", "repeat"])
def test_a_first_version_is_followed_by_one_run_and_that_by_the_challenger(
    many_texts, monkeypatch, behaviour
):
    """The second run may make the same version again, as with an encoder that fails."""
    first, second = begin(many_texts, monkeypatch, behaviour)

    assert first.left == {"texts": 300}
    assert (second.trigger, second.state, second.left) == ("policy", "succeeded", {})
    assert (second.same_as == first.version) is (behaviour == "repeat")
    challenger = many_texts.runs.get(kind=RunKind.CHALLENGER)
    assert (challenger.state, challenger.actor) == ("queued", f"run {second.pk}")
    assert policy.consider(many_texts) is None


@pytest.mark.parametrize("behaviour", ["learn", "repeat"])
def test_what_serves_after_the_second_run_has_its_learning_curve_once(
    many_texts, monkeypatch, behaviour
):
    begin(many_texts, monkeypatch, behaviour)
    begin(many_texts, monkeypatch, behaviour)

    champion = Project.objects.get(pk=many_texts.pk).champion
    assert champion.metrics.filter(name="learning_curve").count() == 1
    first = many_texts.versions.get(number=1)
    assert first.metrics.filter(name="learning_curve").exists() is (behaviour == "repeat")


def test_a_run_that_encoded_nothing_is_not_followed_where_it_might_have(monkeypatch):
    """The small child makes no vectors, as one whose encoder does not load."""
    project = labelled_project({"Positive": 35, "Negative": 25})

    (only,) = begin(project, monkeypatch)

    assert only.dataset_counts["texts"] == {"texts": 60, "cached": 0, "encoded": 0}


@pytest.mark.parametrize(
    ("parts", "fields", "versions", "may_leave"),
    [
        ((ON_TEXTS,), {}, 0, True),
        ((ON_TEXTS, ON_IMAGES), {}, 0, False),  # the next run would take as long for the images
        ((ON_TEXTS,), {"policy": {"enabled": False}}, 0, False),
        ((ON_TEXTS,), {"archived_at": timezone.now()}, 0, False),
        ((ON_TEXTS,), {}, 1, False),
    ],
)
def test_only_a_first_version_of_texts_that_another_run_follows_goes_without(
    tmp_path, parts, fields, versions, may_leave
):
    project = labelled_project({}, **fields)
    ModelVersionFactory.create_batch(versions, project=project)
    encoder = TextInput().for_options({"encoder": "minilm", "encoder_tokens": 64})
    job = TrainingJob(tmp_path, project.pk, 1, 1, "", ())
    found = of_inputs(
        project,
        [
            replace(
                job,
                pipeline=pipeline,
                targets=(target,),
                input=encoder.settings if target is TOPIC else {},
            )
            for pipeline, target in parts
        ],
        [],
    )
    (of_texts,) = (one for one in found if one.name == "texts")
    assert of_texts.may_leave is may_leave
