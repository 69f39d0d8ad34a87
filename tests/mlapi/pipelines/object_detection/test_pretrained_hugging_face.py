"""A model of transformers serves before anybody has labelled, and is evaluated later."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlapi import model_cache, serving
from mlapi.exports import folder as exports
from mlapi.jobs import maintenance
from mlapi.mirror import apply_changes
from mlapi.mirror.process_events import process_pending_events
from mlapi.training import policy
from mlapi.training.run import carry_out
from registry.actions import project_settings, run_starts
from registry.models import Project, TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_projects import WITHOUT_CURVE, server
from tests.mlapi.pipelines.object_detection import squares, tiny_detectors
from tests.mlapi.pipelines.object_detection.test_boxes_all_the_way import CONFIG, put
from tests.mlapi.pipelines.object_detection.test_pretrained import finished_run

__all__ = ["server"]

pytestmark = [
    pytest.mark.vision,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]

SIZE = (160, 120)
PLACE = (0.375, 0.5, 0.25, 0.5)  # of SIZE: from (40, 30) to (80, 90)
OTHER_PLACE = (0.5, 0.25, 0.5, 0.25)


@pytest.fixture
def project():
    made = ProjectFactory(label_config="", fingerprint="", pipeline="", hostname="")
    apply_changes.refresh_config(made, CONFIG)
    return made


@pytest.fixture
def finder(tmp_path):
    return tiny_detectors.save_finder(tmp_path / "finder", PLACE)


def choose(project: Project, engine: str) -> TrainingRun | None:
    """Set the option; the run that the policy starts."""
    project_settings.configure(project, options={"engine": engine}, actor="tester")
    process_pending_events(project.pk)
    policy.consider(project)  # as the job does after it
    project.refresh_from_db()
    return project.runs.filter(state="queued").first()


def put_boxes(project: Project, server, numbers: range) -> None:
    """Tasks where people drew the box that the model of `finder` finds."""
    drawn = [squares.region("box", "red", SIZE, 40, 30, 80, 90)]
    put(
        project,
        {n: (server.put(f"{n}.png", squares.scene(n, size=SIZE).file), drawn) for n in numbers},
    )


def train(project: Project) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    project.refresh_from_db()
    return run


def served(project: Project, server) -> list[tuple[str, list[int]]]:
    address = server.put("new.png", squares.scene(1, size=SIZE).file)
    found = serving.answer(project, CONFIG, [{"id": 1, "data": {"image": address}}])
    return [
        (r["value"]["rectanglelabels"][0], [round(r["value"][k]) for k in ("x", "y", "width")])
        for entry in found.results
        for r in (entry["result"] if entry else [])
    ]


def test_it_serves_before_a_label_once_and_has_its_metrics_after_some(project, server, finder):
    run = choose(project, finder)
    assert run.trigger == TrainingRun.Trigger.PRETRAINED
    assert "box: " + finder + " does not know blue" in finished_run(run).log
    project.refresh_from_db()
    first = project.champion
    assert first.recipe == "hf"
    assert served(project, server) == [("red", [25, 25, 25])]
    maintenance.consider_projects()
    assert project.runs.count() == 1
    assert train(project).same_as == first
    assert project.versions.count() == 1

    put_boxes(project, server, range(1, 13))
    run = train(project)

    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    assert "which is not trained" in run.log
    version = project.versions.get(run=run)
    assert (version.primary_metric, version.primary_value) == ("map_50", pytest.approx(1))
    assert {t.name: t.labels for t in version.targets.all()} == {"box": ["red"]}
    with pytest.raises(exports.NotExportable, match=r"engine hf are found only inside"):
        exports.files(version)


def test_a_model_in_place_of_an_engine_serves_at_once(project, server, finder):
    project_settings.configure(project, options={"engine": "patches"}, actor="tester")
    scenes = {n: squares.scene(n) for n in range(1, 13)}
    put(project, {n: (server.put(f"{n}.png", s.file), s.result()) for n, s in scenes.items()})
    assert train(project).state == "succeeded"
    assert project.champion.recipe == "patches"

    finished_run(choose(project, finder))

    version = project.versions.latest("number")
    assert (version.number, version.recipe) == (2, "hf")


def test_invalid_models_do_not_affect_the_version_that_serves(
    project, server, finder, tmp_path, monkeypatch
):
    finished_run(choose(project, finder))
    project.refresh_from_db()
    first = project.champion

    headless = tiny_detectors.save(tmp_path / "headless", tiny_detectors.headless)
    refused(choose(project, headless), "model_broken", "has no weights for")
    with monkeypatch.context() as changed:
        changed.setattr(tiny_detectors, "CLASSES", {0: "person", 1: "N/A"})
        other = tiny_detectors.save(tmp_path / "other", tiny_detectors.detr)
    reason = "none of the labels of box, but person, N/A"
    refused(choose(project, other), "model_file_invalid", reason)

    project.refresh_from_db()
    assert project.champion == first and served(project, server) == [("red", [25, 25, 25])]
    run = choose(project, tiny_detectors.save_finder(tmp_path / "better", OTHER_PLACE))
    assert run.trigger == TrainingRun.Trigger.PRETRAINED
    finished_run(run)
    project.refresh_from_db()
    assert served(project, server) == [("red", [25, 12, 50])]


def refused(run: TrainingRun, code: str, reason: str) -> None:
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    assert (run.state, run.error_code) == ("failed", code)
    assert reason in run.error and run.hint
    assert policy.decide(run.project, datetime.now(UTC)).state != "due"  # not tried for ever


def test_a_version_whose_model_has_changed_says_so_and_is_made_again(project, server, finder):
    finished_run(choose(project, finder))
    project.refresh_from_db()
    first = project.champion
    tiny_detectors.save_finder(Path(finder.removeprefix("hf:")), OTHER_PLACE)
    model_cache.clear()

    with pytest.raises(model_cache.ModelUnavailable, match=r"today, and had"):
        model_cache.load(first)
    assert served(project, server) == []
    assert train(project).state == "succeeded"

    assert project.champion.number == 2
    assert served(project, server) == [("red", [25, 12, 50])]
