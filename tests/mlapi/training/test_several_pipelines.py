"""A project with Choices on Text and Choices on Image: one run, one version, both served."""

import hashlib

import pytest

from mlapi import serving
from mlapi.mirror.apply_changes import refresh_stored_config
from mlapi.training.load_check import loads_in_a_fresh_process
from mlapi.training.scoring import score
from registry.actions.tasks import TaskState
from registry.models import Outcome
from tests.factories import ProjectFactory
from tests.mlapi.image_files import digits
from tests.mlapi.pipelines.texts import WORDS, some_texts
from tests.mlapi.training.test_images import CONFIG, images_of, mirror, server, train

__all__ = ["server"]
pytestmark = pytest.mark.django_db(transaction=True)

N = 150
TOPICS = "".join(f'<Choice value="{word}"/>' for word in WORDS)
BOTH = CONFIG.replace(
    "</View>",
    f'<Text name="t" value="$text"/><Choices name="topic" toName="t">{TOPICS}</Choices></View>',
)


def test_each_control_is_learned_and_served_by_its_pipeline(server):
    files, kinds = digits(N)
    texts, topics = some_texts(N, noise=0)
    data = [
        {"image": server.put(f"{i}.png", content), "text": texts[i]}
        for i, content in enumerate(files)
    ]
    project = ProjectFactory(label_config=BOTH, pipeline="", hostname="")
    refresh_stored_config(project)
    project.refresh_from_db()
    assert project.pipeline == "image_classification, text_classification"
    mirror(
        project,
        [
            TaskState(
                labelstudio_id=1 + i,
                data=data[i],
                labels={"kind": kinds[i], "topic": topics[i]},
                annotations=[{"id": 1 + i}],
                input_key=hashlib.sha256(f"{i}".encode()).hexdigest(),
            )
            for i in range(N - 1)
        ]
        + [TaskState(labelstudio_id=N, data=data[-1])],
    )

    run = train(project)

    assert images_of(run)["embedded"] > 0
    version = project.champion
    assert {t.name: t.pipeline for t in version.targets.all()} == {
        "kind": "image_classification",
        "topic": "text_classification",
    }
    assert version.primary_metric == "macro_f1"
    holdout = Outcome.objects.filter(version=version)
    assert set(holdout.values_list("target", flat=True)) == {"kind", "topic"}
    assert loads_in_a_fresh_process(version)

    answered = serving.answer(project, BOTH, [{"id": N, "data": data[-1]}])
    assert {region["from_name"] for region in answered.results[0]["result"]} == {"kind", "topic"}
    assert score(version.pk) == 1

    second = train(project)
    assert set(second.comparison["targets"]) == {"kind", "topic"}
    assert second.comparison["champion_label"] == version.label
