"""A model of the operator's serves before anybody has labelled, and is evaluated later."""

from datetime import UTC, datetime

import pytest
from django.test import override_settings

from mlapi import serving
from mlapi.child_process import warm_process
from mlapi.child_process.supervise import start_warm_process
from mlapi.jobs import maintenance
from mlapi.labelstudio.label_config import parse
from mlapi.mirror import apply_changes
from mlapi.pipelines import match
from mlapi.training import policy
from mlapi.training.run import carry_out
from registry.actions import run_starts
from registry.models import Project, TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_projects import WITHOUT_CURVE, server
from tests.mlapi.pipelines.object_detection import onnx_files, squares
from tests.mlapi.pipelines.object_detection.test_boxes_all_the_way import put

__all__ = ["server"]

CONFIG = (
    '<View><Image name="img" value="$image"/>'
    '<RectangleLabels name="box" toName="img" model_path="inks.onnx" model_score_threshold="0.9">'
    '<Label value="Tomato" predicted_values="red"/><Label value="blue"/></RectangleLabels></View>'
)


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory):
    """A folder shared by all tests, because the warm process that is forked has its path."""
    folder = tmp_path_factory.mktemp("models")
    with override_settings(MODELS_DIR=str(folder)):
        start_warm_process("mlapi.training.warm_process")
        yield folder
        warm_process.stop()


@pytest.fixture
def models(models_dir):
    for left in models_dir.iterdir():
        left.unlink()
    (models_dir / "inks.onnx").write_bytes(onnx_files.red_and_blue())
    return models_dir


def refusal(path: str) -> list[str]:
    config = CONFIG.replace("inks.onnx", path)
    return [one.code for one in match(parse(config)).unserved]


def test_only_a_model_of_the_operators_folder_is_taken(settings, tmp_path):
    settings.MODELS_DIR = ""
    assert refusal("a.onnx") == refusal("a.safetensors") == ["model_path_invalid"]
    settings.MODELS_DIR = str(tmp_path)
    assert refusal("a.onnx") == refusal("of/trucks.onnx") == refusal("a.safetensors") == []
    for path in ("a.pt", "a.pkl", "/etc/a.onnx", "../a.onnx", "of/../../a.onnx", "a.onnx/b"):
        assert refusal(path) == ["model_path_invalid"], path


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_loaded_versions")
class TestInAProject:
    @pytest.fixture
    def project(self, models):
        made = ProjectFactory(label_config="", fingerprint="", pipeline="", hostname="")
        apply_changes.refresh_config(made, CONFIG)
        return made

    def test_it_serves_before_a_label_and_has_its_metrics_after_some(self, project, server):
        scene = squares.scene(2)
        address = server.put("new.png", scene.file)

        run = policy.consider(project, datetime.now(UTC))
        assert run.trigger == TrainingRun.Trigger.PRETRAINED
        finished_run(run)
        project.refresh_from_db()
        assert project.champion.recipe == "onnx"
        assert policy.decide(project, datetime.now(UTC)).state != "due"
        found = serving.answer(project, CONFIG, [{"id": 1, "data": {"image": address}}])
        (prediction,) = found.results
        names = {"red": "Tomato", "blue": "blue"}
        served = {r["value"]["rectanglelabels"][0] for r in prediction["result"]}
        assert served == {names[label] for label, *_ in scene.objects}

        scenes = {n: squares.scene(n) for n in range(1, 25)}
        put(project, {n: (server.put(f"{n}.png", s.file), drawn(s)) for n, s in scenes.items()})
        run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
        assert "which is not trained" in finished_run(run).log
        version = project.versions.get(run=run)
        assert version.primary_metric == "map_50" and version.primary_value is not None
        assert {t.name: t.labels for t in version.targets.all()} == {"box": ["Tomato", "blue"]}

    def test_it_is_trained_where_no_event_has_brought_the_config(self, project):
        """No event brings the config after a sync, or if the event's worker was killed first."""
        maintenance.consider_projects()
        run = TrainingRun.objects.get(project=project)
        assert run.trigger == TrainingRun.Trigger.PRETRAINED

    def test_another_file_makes_a_version_without_a_label_too(self, project, models):
        finished_run(policy.consider(project, datetime.now(UTC)))
        (models / "other.onnx").write_bytes(onnx_files.red_and_blue())

        apply_changes.refresh_config(project, CONFIG.replace("inks.onnx", "other.onnx"))
        maintenance.consider_projects()

        run = project.runs.get(state="queued")
        assert run.trigger == TrainingRun.Trigger.PRETRAINED

    def test_an_option_that_no_run_can_carry_out_is_not_tried_forever(self, project):
        """Causes are an extra that only the server has, or a folder that is gone."""
        finished_run(policy.consider(project, datetime.now(UTC)))
        project.refresh_from_db()
        champion = project.champion
        Project.objects.filter(pk=project.pk).update(options={"engine": "hf:/no/such/folder"})
        project.refresh_from_db()
        apply_changes.refresh_config(project, CONFIG.replace('model_path="inks.onnx"', ""))

        run = policy.consider(project, datetime.now(UTC))
        assert run.trigger == TrainingRun.Trigger.PRETRAINED
        run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)

        assert (run.state, run.error_code) == ("failed", "option_invalid")
        assert "engine hf:" in run.error and run.hint
        project.refresh_from_db()
        assert policy.decide(project, datetime.now(UTC)).state != "due"
        assert project.champion == champion

    def test_an_invalid_file_is_the_reason_of_the_failure(self, project, models):
        (models / "inks.onnx").write_bytes(b"\x80\x04 a pickle")

        run = policy.consider(project, datetime.now(UTC))
        run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)

        assert (run.state, run.error_code) == ("failed", "model_file_invalid")
        assert "no ONNX file" in run.error
        project.refresh_from_db()
        assert policy.decide(project, datetime.now(UTC)).state != "due"  # not tried for ever

    def test_a_file_of_other_classes_takes_nothing_from_the_version_that_serves(
        self, project, models, server
    ):
        finished_run(policy.consider(project, datetime.now(UTC)))
        project.refresh_from_db()
        (models / "inks.onnx").write_bytes(onnx_files.red_and_blue(("cat", "dog")))

        run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
        run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)

        assert (run.state, run.error_code) == ("failed", "model_file_invalid")
        assert "finds none of the labels of box, but cat, dog" in run.error
        assert "predicted_values" in run.hint
        served = project.champion
        project.refresh_from_db()
        assert project.champion == served
        address = server.put("new.png", squares.scene(2).file)
        found = serving.answer(project, CONFIG, [{"id": 1, "data": {"image": address}}])
        assert found.results[0]["result"]


def finished_run(run: TrainingRun) -> TrainingRun:
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    return run


def drawn(scene: squares.Scene) -> list[dict]:
    result = scene.result()
    for region in result:
        if region["value"]["rectanglelabels"] == ["red"]:
            region["value"]["rectanglelabels"] = ["Tomato"]
    return result
