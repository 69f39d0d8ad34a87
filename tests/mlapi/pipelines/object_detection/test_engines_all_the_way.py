"""Each real engine learns boxes in a training's own process, and serves them."""

import pytest

from mlapi import serving
from mlapi.mirror import apply_changes
from mlapi.training.run import carry_out
from registry.actions import project_settings, run_starts
from registry.models import TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_projects import WITHOUT_CURVE, server
from tests.mlapi.labelstudio import webhooks
from tests.mlapi.pipelines.object_detection import squares

__all__ = ["server"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions", "forked_trainings"),
]

CONFIG = (
    '<View><Image name="img" value="$image"/><RectangleLabels name="box" toName="img">'
    '<Label value="red"/><Label value="blue"/></RectangleLabels></View>'
)


@pytest.mark.parametrize(
    ("engine", "named", "count"),
    [
        ("patches", "The engine is patches.", 16),
        pytest.param("auto", "The engine is lite, chosen by auto.", 30, marks=pytest.mark.vision),
    ],
)
def test_boxes_are_learned_in_a_training_and_served(engine, named, count, server):
    project = ProjectFactory(label_config="", fingerprint="", pipeline="", hostname="")
    apply_changes.refresh_config(project, CONFIG)
    project_settings.configure(project, options={"engine": engine}, actor="tester")
    scenes = {number: squares.scene(number) for number in range(1, count + 1)}
    tasks = [
        webhooks.task(
            number,
            data={"image": server.put(f"{number}.png", scene.file)},
            annotations=[webhooks.annotation(number, number, result=scene.result())],
            total_annotations=1,
        )
        for number, scene in scenes.items()
    ]
    apply_changes.put_whole_tasks(project, tasks)
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")

    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)

    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    assert named in run.log
    project.refresh_from_db()
    assert project.champion.primary_value > 0.6
    unseen = next(s for s in map(squares.scene, range(1_000, 1_010)) if len(s.objects) == 1)
    address = server.put("unseen.png", unseen.file)
    answer = serving.answer(project, CONFIG, [{"id": 1, "data": {"image": address}}], None)
    (human,) = unseen.result()
    best = max(answer.results[0]["result"], key=lambda region: region["score"])
    assert best["value"]["rectanglelabels"] == human["value"]["rectanglelabels"]
    for side in ("x", "y", "width", "height"):
        assert best["value"][side] == pytest.approx(human["value"][side], abs=6)
