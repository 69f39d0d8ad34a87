"""An input of several fields goes through all of the product, which has none like it.

Nothing here is patched but the list of pipelines.
"""

import pytest

from mlapi import serving
from mlapi.images.thumbnails import NoThumbnail
from mlapi.mirror import apply_changes
from mlapi.served_config import resolve
from mlapi.training import scoring
from mlapi.training.run import carry_out
from registry.actions import run_starts
from registry.engine import engine
from registry.models import Task, TaskScore, TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.inputs import rows
from tests.mlapi.labelstudio import webhooks
from tests.mlapi.training.projects import programs_with

SIZE = (
    '<Measure name="width" value="$width"/><Measure name="height" value="$height"/>'
    '<Choices name="size" toName="width,height"><Choice value="small"/><Choice value="large"/>'
    "</Choices>"
)
TOPIC = (
    '<Text name="text" value="$text"/>'
    '<Choices name="topic" toName="text"><Choice value="a"/><Choice value="b"/></Choices>'
)
CONFIG = f"<View>{SIZE}</View>"
PROGRAMS = programs_with(rows)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    rows.register(monkeypatch.setitem)


def test_a_control_on_several_fields_is_served_beside_texts():
    match = resolve(f"<View>{SIZE}{TOPIC}</View>").match

    assert [(t.name, t.pipeline) for t in match.targets] == [
        ("size", "toy_rows"),
        ("topic", "text_classification"),
    ]
    assert match.unserved == ()


def test_the_fields_of_a_row_are_one_input_and_one_part_of_the_key():
    served = resolve(f"<View>{SIZE}{TOPIC}</View>")

    def key(**data):
        return served.derive_labels("1.2026", data, (), {}).input_key

    first = key(width=3, height=4, text="A letter")
    assert key(width=3.0, height=4, text="a  letter") == first
    assert key(width=4, height=3, text="A letter") != first
    assert key(width=3, height=4, text="Another letter") != first
    assert key(width="wide", height=4) == served.no_input_key("1.2026")


def _put(project, count: int) -> None:
    """Tasks whose height is 10 times their width; wide ones are large. Two are not labelled."""
    tasks = []
    for number in range(1, count + 3):
        width = number % 20
        label = "large" if width >= 10 else "small"
        result = [
            {
                "from_name": "size",
                "to_name": "width",
                "type": "choices",
                "value": {"choices": [label]},
            }
        ]
        made = [webhooks.annotation(number, number, result=result)] if number <= count else []
        data = {"width": width, "height": 10 * width + number / 1000}
        tasks.append(
            webhooks.task(number, data=data, annotations=made, total_annotations=len(made))
        )
    apply_changes.put_whole_tasks(project, tasks)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_loaded_versions", "forked_trainings")
def test_it_is_split_trained_checked_predicted_scored_and_shown():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, CONFIG)
    _put(project, 120)
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=PROGRAMS)
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    project.refresh_from_db()
    version = project.champion

    assert set(Task.objects.filter(labels__has_key="size").values_list("split", flat=True)) == {
        "train",
        "holdout",
    }
    assert (version.pipeline, version.extractor) == ("toy_rows", "")
    assert version.primary_value > 0.9
    assert "images" not in run.dataset_counts
    assert any("numbers" in statement["sql"] for statement in run.statements)

    sent = [{"width": 1, "height": 10}, {"width": 19, "height": 190}, {"width": "?", "height": 1}]
    answered = serving.answer(
        project, CONFIG, [{"id": n, "data": data} for n, data in enumerate(sent, start=1)]
    )
    small, large, unread = answered.results
    assert [p["result"][0]["value"]["choices"] for p in (small, large)] == [["small"], ["large"]]
    assert (unread, answered.problems) == ([], {"not_numbers": [3]})

    assert scoring.score(version.pk) == 2
    assert TaskScore.objects.filter(version=version).count() == 2
    task = Task.objects.get(labelstudio_id=3)
    (described,) = engine().describe_tasks(project, [task])
    assert (described["kind"], described["text"]) == ("text", "3 x 30.003")
    with pytest.raises(NoThumbnail):
        engine().thumbnail(task)
