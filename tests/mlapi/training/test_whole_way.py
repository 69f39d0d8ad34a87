"""The way from annotations to predictions, for configs with more than Choices on one field."""

import pytest

from mlapi import serving
from mlapi.mirror.apply_changes import put_whole_tasks
from mlapi.training.run import carry_out
from registry.actions import run_starts
from registry.models import Task, TrainingRun
from tests.mlapi.image_projects import WITHOUT_CURVE

from .projects import labelled_project

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("forked_trainings"),
]

CONFIG = """<view>
  <text name="t" value="Title: $title, $items[0].text"/>
  <Choices name="kind" toName="t"><Choice value="P">plant</Choice><Choice value="animal"/></Choices>
  <View visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="animal">
    <Choices name="which" toName="t"><Choice value="cat"/><Choice value="dog"/></Choices>
  </View>
  <Choices name="colour" toName="t" choice="multiple"
           visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="plant">
    <Choice value="red"/><Choice value="blue"/>
  </Choices>
</view>"""
# Title, text, and what people chose.
KINDS = (
    ("Rose", "petals and thorns", {"kind": ["plant"], "colour": ["red"]}),
    ("Kitten", "fur and claws", {"kind": ["animal"], "which": ["cat"]}),
    ("Cornflower", "petals and leaves", {"kind": ["plant"]}),
    ("Puppy", "fur and barking", {"kind": ["animal"], "which": ["dog"]}),
)


def data(number: int) -> dict:
    title, text, _ = KINDS[number % 4]
    return {"title": title, "items": [{"text": f"{text} {number}"}, {"text": "nothing"}]}


def labelled(number: int) -> dict:
    result = [
        {"from_name": name, "to_name": "t", "type": "choices", "value": {"choices": chosen}}
        for name, chosen in KINDS[number % 4][2].items()
    ]
    at = "2026-11-23T07:00:00.000000Z"
    annotation = {"id": number, "result": result, "created_at": at, "updated_at": at}
    return {
        "id": number,
        "data": data(number),
        "created_at": at,
        "updated_at": at,
        "annotations": [annotation],
    }


def test_several_fields_and_conditions_are_learned_and_served():
    project = labelled_project({}, label_config=CONFIG)
    put_whole_tasks(project, [labelled(number) for number in range(1, 81)])

    labels = dict(Task.objects.filter(project=project).values_list("labelstudio_id", "labels"))
    assert labels[1] == {"kind": "animal", "which": "cat"}
    assert labels[2] == {"kind": "plant", "colour": []}
    assert labels[4] == {"kind": "plant", "colour": ["red"]}

    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    assert (run.state, run.error) == ("succeeded", "")
    assert run.dataset_counts["targets"]["which"]["train"] < 40
    project.refresh_from_db()
    numbers = {(m.target, m.name): m for m in project.champion.metrics.filter(label="")}
    assert numbers["which", "macro_f1"].n < numbers["kind", "macro_f1"].n

    found = serving.answer(project, CONFIG, [{"id": n, "data": data(n)} for n in (101, 104)])
    animal, plant = found.results
    assert [r["from_name"] for r in animal["result"]] == ["kind", "which"]
    assert [r["value"]["choices"] for r in animal["result"]] == [["animal"], ["cat"]]
    assert [r["from_name"] for r in plant["result"]] == ["kind", "colour"]
    assert plant["result"][0]["value"] == {"choices": ["plant"]}
    for one in (animal, plant):
        assert one["score"] == min(region["score"] for region in one["result"])
