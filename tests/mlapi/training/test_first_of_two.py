"""A first version that went without vectors, and the run that follows it: once, and whole."""

from dataclasses import replace

import pytest
from django.utils import timezone

from mlapi.domain import TargetSpec
from mlapi.inputs import TextInput
from mlapi.run_folder.job import TrainingJob
from mlapi.training.preparation import of_inputs
from tests.factories import ModelVersionFactory

from .projects import labelled_project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.encoder]

TOPIC = TargetSpec("topic", "text", "Text", "text", "choice", ("A", "B"))
DIGIT = TargetSpec("digit", "img", "Image", "image", "choice", ("1", "2"))
ON_TEXTS = ("text_classification", TOPIC)
ON_IMAGES = ("image_classification", DIGIT)


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
