"""A project with Choices on Text and Choices on Image: one run, one version, both served."""

import hashlib

import pytest

from mlapi import serving
from mlapi.mirror.apply_changes import refresh_config, refresh_stored_config
from mlapi.training.load_check import loads_in_a_fresh_process
from mlapi.training.scoring import score
from registry.actions.tasks import TaskState
from registry.models import Outcome, Task
from tests.factories import ProjectFactory, mirror
from tests.mlapi.image_files import digits
from tests.mlapi.image_projects import CONFIG, images_of, server, train
from tests.mlapi.labelstudio.webhooks import annotation
from tests.mlapi.pipelines.texts import WORDS, some_texts

__all__ = ["server"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("forked_trainings"),
]

N = 40
TOPICS = "".join(f'<Choice value="{word}"/>' for word in WORDS)
TEXT = f'<Text name="t" value="$text"/><Choices name="topic" toName="t">{TOPICS}</Choices></View>'
TEXTS_ONLY = f"<View>{TEXT}"
BOTH = CONFIG.replace("</View>", TEXT)


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

    def labelled(i: int, *, by: int) -> TaskState:
        """Task i with the labels of task `by`."""
        return TaskState(
            labelstudio_id=1 + i,
            data=data[i],
            labels={"kind": kinds[by], "topic": topics[by]},
            annotations=[{"id": 1 + i}],
            input_key=hashlib.sha256(f"{i}".encode()).hexdigest(),
        )

    mirror(project, [labelled(i, by=i) for i in range(N - 1)])
    mirror(project, [TaskState(labelstudio_id=N, data=data[-1])])

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

    mirror(project, [labelled(i, by=i + 1) for i in range(10)])  # else it is the same version
    second = train(project)
    assert set(second.comparison["targets"]) == {"kind", "topic"}
    assert second.comparison["champion_label"] == version.label


@pytest.mark.nightly
def test_a_pipeline_that_appears_later_is_trained_once_it_has_labels(server):
    """Before, its control has a reason; afterwards, the first pipeline is unchanged."""
    files, kinds = digits(N)
    texts, topics = some_texts(N, noise=0)
    addresses = [server.put(f"later-{i}.png", content) for i, content in enumerate(files)]

    def region(chosen) -> dict:
        control, label = chosen
        objects = {"topic": "t", "kind": "img"}
        value = {"choices": [label]}
        return {
            "from_name": control,
            "to_name": objects[control],
            "type": "choices",
            "value": value,
        }

    def put(labels) -> None:
        states = [
            TaskState(
                labelstudio_id=1 + i,
                data={"image": addresses[i], "text": texts[i]},
                labels=labels(i),
                annotations=[annotation(1 + i, 1 + i, result=list(map(region, labels(i).items())))],
                input_key=hashlib.sha256(texts[i].encode()).hexdigest(),
            )
            for i in range(N)
        ]
        mirror(project, states)

    def rows() -> dict:
        found = Task.objects.filter(project=project).order_by("pk")
        return {t.labelstudio_id: (t.pk, t.labels["topic"], t.split) for t in found}

    project = ProjectFactory(label_config=TEXTS_ONLY, pipeline="", hostname="")
    refresh_stored_config(project)
    put(lambda i: {"topic": topics[i]})
    before = rows()
    train(project)
    first = project.champion
    outcomes = list(Outcome.objects.filter(version=first).order_by("pk").values())
    assert first.pipeline == "text_classification"

    refresh_config(project, BOTH)
    second = train(project)
    project.refresh_from_db()

    assert second.state == "succeeded", f"{second.error_code}: {second.error} {second.log}"
    carried = second.version.targets.get(name="kind")
    assert (carried.trained, carried.pipeline) == (False, "image_classification")
    assert "usable label" in carried.untrained_reason
    assert set(second.comparison["targets"]) == {"topic"}
    answered = serving.answer(project, BOTH, [{"id": 1, "data": {"text": texts[0]}}])
    assert [region["from_name"] for region in answered.results[0]["result"]] == ["topic"]

    put(lambda i: {"topic": topics[i], "kind": kinds[i]})
    third = train(project)

    assert all(target.trained for target in third.version.targets.all())
    assert set(third.comparison["targets"]) == {"topic", "kind"}
    assert project.champion_id == third.version.pk
    assert rows() == before
    assert list(Outcome.objects.filter(version=first).order_by("pk").values()) == outcomes
