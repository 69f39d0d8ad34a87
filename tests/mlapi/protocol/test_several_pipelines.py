"""POST /predict of a version of two pipelines: what one lacks keeps nothing from the other."""

from dataclasses import asdict

import pytest

from mlapi import model_cache, serving
from mlapi.images.feature_store import to_bytes
from mlapi.pipelines import PIPELINES
from mlapi.pipelines.artifact import join, pack
from registry.actions import features
from registry.actions.features import FeatureRow
from registry.models import Event
from tests.factories import ModelVersionFactory, ProjectFactory, TaskFactory
from tests.mlapi import trained, trained_images
from tests.mlapi.image_files import digits

KINDS = "".join(f'<Choice value="{label}"/>' for label in trained_images.LABELS)
CONFIG = (
    '<View><Text name="text" value="$text"/><Image name="img" value="$image"/>'
    '<Choices name="label" toName="text"><Choice value="Positive"/><Choice value="Negative"/>'
    f'</Choices><Choices name="kind" toName="img">{KINDS}</Choices></View>'
)
N = 6
TEXTS = ["good fine", "bad awful"] * (N // 2)


def data(number: int) -> dict:
    return {"text": TEXTS[number], "image": f"http://images/{number}.png"}


@pytest.fixture
def project(db):
    return ProjectFactory(label_config=CONFIG, pipeline="image_classification, text_classification")


@pytest.fixture
def serve(project):
    """`serve(image part)`: the version of both pipelines as champion, and features of its tasks."""

    def make(image_part: bytes = b"", unknown: bytes = b""):
        parts = {
            "image_classification": image_part or trained_images.artifact(),
            "text_classification": trained.artifact(),
        }
        if unknown:
            parts["image_boxes"] = unknown
        kind = asdict(trained_images.SPEC.row())
        version = ModelVersionFactory(
            project=project,
            champion=True,
            content=join(parts),
            pipeline=project.pipeline,
            targets=[
                kind | {"pipeline": "image_classification"},
                {**kind, "name": "label", "pipeline": "text_classification"},
            ],
        )
        tasks = [TaskFactory(project=project, labelstudio_id=i, data=data(i)) for i in range(N)]
        rows = zip(tasks, trained_images.features_of(120), strict=False)
        features.save(
            project,
            trained_images.opencv().name,
            [
                FeatureRow(t.pk, t.data["image"], f"{t.pk:064}", to_bytes(vector))
                for t, vector in rows
            ],
        )
        return version

    model_cache.clear()
    yield make
    model_cache.clear()


def predict(call, project, tasks):
    body = {"tasks": tasks, "project": project.uid, "label_config": CONFIG, "params": {}}
    answer = call.post("/predict", body)
    assert answer.status_code == 200
    return [
        {r["from_name"]: r["value"]["choices"][0] for r in entry["result"]} if entry else None
        for entry in answer.json()["results"]
    ]


def all_tasks() -> list[dict]:
    return [{"id": i, "data": data(i)} for i in range(N)]


def expected(number: int) -> dict:
    text = "Positive" if TEXTS[number].startswith("good") else "Negative"
    return {"label": text, "kind": digits(120)[1][number]}


def test_each_task_gets_the_regions_of_both(call, project, serve):
    serve()
    assert predict(call, project, all_tasks()) == [expected(i) for i in range(N)]
    assert not Event.objects.exists()


def test_a_task_without_one_input_gets_the_regions_of_the_other(call, project, serve):
    serve()
    tasks = all_tasks()
    del tasks[0]["data"]["image"]
    del tasks[1]["data"]["text"]
    found = predict(call, project, tasks)
    assert found[0] == {"label": expected(0)["label"]}
    assert found[1] == {"kind": expected(1)["kind"]}


@pytest.mark.parametrize("bad", [{2}, {0, 1, 5}, set(range(N))])
def test_a_task_on_which_one_model_fails_keeps_the_regions_of_the_other(
    bad, call, project, serve, monkeypatch, caplog
):
    version = serve()
    part = model_cache.load(version).parts["image_classification"]
    real = part.predict
    addresses = {data(i)["image"] for i in bad}

    def fail(rows, specs, store):
        if any(row["image"] in addresses for row in rows):
            raise RuntimeError("boom")
        return real(rows, specs, store)

    monkeypatch.setattr(part, "predict", fail)
    label = [{"label": expected(i)["label"]} for i in range(N)]
    assert predict(call, project, all_tasks()) == [
        label[i] if i in bad else expected(i) for i in range(N)
    ]
    (logged,) = [r for r in caplog.records if "prediction_failed" in str(r.msg)]
    assert "image_classification" in str(logged.msg)
    assert "text_classification" not in str(logged.msg)


def test_each_target_on_which_the_models_fail_has_the_reason(project, serve, monkeypatch):
    version = serve()

    def fail(rows, specs, store):
        raise RuntimeError("boom")

    for part in model_cache.load(version).parts.values():
        monkeypatch.setattr(part, "predict", fail)
    project.refresh_from_db()
    (answers,) = serving.predict_mirrored(project, [(1, data(1))])
    assert {name: answer.code for name, answer in answers.items()} == {
        "kind": "prediction_failed",
        "label": "prediction_failed",
    }


def test_a_part_that_cannot_be_loaded_keeps_the_others_from_nothing(call, project, serve, caplog):
    serve(trained_images.artifact(needs=("a-package-that-is-not-installed",)))
    only_texts = [{"id": 8, "data": {"text": "good fine"}}, {"id": 9, "data": {"image": "x.png"}}]
    found = predict(call, project, [*all_tasks(), *only_texts])
    labels = [{"label": expected(i)["label"]} for i in range(N)]
    assert found == [*labels, {"label": "Positive"}, None]
    (event,) = Event.objects.all()
    assert event.payload["reasons"] == {"part_not_loaded": [9]}
    assert any("a-package-that-is-not-installed" in str(r.msg) for r in caplog.records)


def test_a_part_of_a_pipeline_that_is_not_known_keeps_the_others_from_nothing(call, project, serve):
    version = serve(unknown=pack("image_boxes", {}))
    assert predict(call, project, all_tasks()) == [expected(i) for i in range(N)]
    assert model_cache.load(version).failed == {"image_boxes"}
    assert not Event.objects.exists()


def test_what_a_numbered_part_needs_is_imported_before_it_is_loaded(project, monkeypatch):
    imported = []
    monkeypatch.setattr(model_cache, "import_engine", imported.extend)
    content = join({f"image_classification/{n}": trained_images.artifact() for n in (1, 2)})
    version = ModelVersionFactory(project=project, content=content)
    model_cache.clear()
    model_cache.load(version)
    model_cache.clear()
    assert imported == list(PIPELINES["image_classification"].modules)
