"""Boxes that a choice shows are evaluated where the model's own choice shows them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from mlapi import served_config
from mlapi.mirror import apply_changes
from mlapi.training.run import carry_out
from registry import splits
from registry.actions import project_settings, run_starts
from registry.models import TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_projects import server
from tests.mlapi.pipelines.object_detection import inks, squares
from tests.mlapi.pipelines.object_detection.test_boxes_all_the_way import PROGRAMS, put

__all__ = ["server"]

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]

CONFIG = (
    '<View><Image name="img" value="$image"/>'
    '<Choices name="ink" toName="img"><Choice value="red"/><Choice value="blue"/></Choices>'
    '<View visibleWhen="choice-selected" whenTagName="ink" whenChoiceValue="red">'
    '<RectangleLabels name="box" toName="img"><Label value="red"/></RectangleLabels></View></View>'
)


def chosen(label: str) -> dict:
    return {
        "from_name": "ink",
        "to_name": "img",
        "type": "choices",
        "value": {"choices": [label]},
    }


def key_without_host(project_uid: str, parts: Sequence[str]) -> str:
    return splits.input_key(project_uid, [urlsplit(part).path for part in parts])


def test_boxes_that_the_models_choice_hides_have_no_part_in_their_metrics(server, monkeypatch):
    inks.register(monkeypatch.setitem)
    # The same tasks are in the holdout each time, whatever the port of the server is.
    monkeypatch.setattr(served_config, "input_key", key_without_host)
    project = ProjectFactory(
        uid="7.1795000000", label_config="", fingerprint="", pipeline="", hostname=""
    )
    apply_changes.refresh_config(project, CONFIG)
    project_settings.configure(project, options={"engine": inks.NAME}, actor="tester")
    tasks = {}
    for n in range(1, 101):
        scene = squares.scene(5 * n, labels=("red",) if n % 2 else ("blue",))
        # People call a third of what is blue red, and draw boxes there.
        called_red = n % 2 or n % 3 == 0
        boxes = [squares.region("box", "red", (160, 120), *sides) for _, *sides in scene.objects]
        result = [chosen("red"), *boxes] if called_red else [chosen("blue")]
        tasks[n] = (server.put(f"{n}.png", scene.file), result)
    put(project, tasks)

    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=PROGRAMS)

    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    version = project.versions.get(run=run)
    of_ink = version.outcomes.filter(source="holdout", target="ink")
    drawn = {one.task_id for one in of_ink if one.human == "red"}
    shown = {one.task_id for one in of_ink if one.task_id in drawn and one.predicted == "red"}
    assert shown and shown < drawn
    of_boxes = version.outcomes.filter(source="holdout", target="box")
    assert {one.task_id for one in of_boxes} == shown
    (metric,) = version.metrics.filter(target="box", name="map_50", label="")
    assert metric.n == len(shown)
