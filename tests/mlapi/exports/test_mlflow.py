"""Exports in MLflow: in an environment of public packages, and served by `mlflow models serve`."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import transaction

from mlapi import jobs, model_cache
from mlapi.exports.folder import write
from mlapi.exports.mlflow_registry import push
from registry.models import ModelVersion
from tests.factories import ModelVersionFactory
from tests.mlapi import trained
from tests.mlapi.exports import mlflow_venv, versions
from tests.mlapi.image_files import digits

pytestmark = [pytest.mark.nightly, mlflow_venv.needs_mlflow]

N = 1_000
# Three lines, and what reads and writes tasks here. Images are files of base64 in the tasks.
_PROGRAM = """
import base64, json, sys
rows = [json.loads(line) for line in open(sys.argv[2])]
for row in rows:
    if "image" in row:
        row["image"] = base64.b64decode(row["image"])

import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
found = model.predict(rows)

assert "django" not in sys.modules and "evadb" not in sys.modules
names = [name for name in found if not name.endswith(".score")]
for row in found.astype(object).where(found.notna(), None).to_dict("records"):
    print(json.dumps({n: {"value": row[n], "score": row[n + ".score"]} for n in names}))
"""


@dataclass
class Exported:
    """An export, tasks for it, and what `/predict` answers them."""

    folder: Path
    rows: list[dict[str, Any]]
    served: list[dict[str, Any]]


@pytest.fixture(scope="module")
def full_export(django_db_setup, django_db_blocker, tmp_path_factory) -> Exported:
    """The export of a version of all pipelines, whose tasks have texts and images."""
    model_cache.clear()
    folder = tmp_path_factory.mktemp("everything") / "export"
    with django_db_blocker.unblock(), transaction.atomic():
        parts = {**versions.image_parts(), "text_classification": versions.text_part("boosted")}
        version = versions.version_of(parts, versions.BOTH_CONFIG, versions.IMAGE_OPTIONS)
        versions.store_features(version.project, N)
        write(version, folder)
        rows = [
            text | image
            for text, image in zip(
                versions.text_tasks(N, typed=True), versions.image_tasks(N), strict=True
            )
        ]
        served = versions.served(version, rows)
        transaction.set_rollback(True)
    model_cache.clear()
    for row, content in zip(rows, digits(N)[0], strict=True):
        row["image"] = base64.b64encode(content).decode()
    return Exported(folder, rows, served)


def test_three_lines_answer_as_predict_does_in_an_environment_of_public_packages(
    full_export, tmp_path
):
    needed = [
        "install",
        "--dry-run",
        "--no-index",
        "-r",
        str(full_export.folder / "requirements.txt"),
    ]
    assert mlflow_venv.pip(*needed, cwd=tmp_path).returncode == 0
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps(row) + "\n" for row in full_export.rows))

    printed = mlflow_venv.run(_PROGRAM, str(full_export.folder), str(tasks), cwd=tmp_path)

    exported = [json.loads(line) for line in printed.splitlines()]
    assert versions.differences(full_export.served, exported) == []
    named = {name for one in full_export.served for name in one}
    assert named == {"topic", "topics", "stars", "place", "kind", "looks", "group"}


def test_mlflow_models_serve_answers_as_predict_does(full_export, tmp_path):
    arguments = ("models", "serve", "-m", str(full_export.folder), "--env-manager", "local")
    with mlflow_venv.served(*arguments, cwd=tmp_path, ready="/ping") as url:
        example = (full_export.folder / "serving_input_example.json").read_bytes()
        headers = {"Content-Type": "application/json"}
        answer = httpx.post(f"{url}/invocations", content=example, headers=headers, timeout=120)
        assert answer.status_code == 200, answer.text
        body = {"dataframe_records": full_export.rows[:200]}
        answer = httpx.post(f"{url}/invocations", json=body, timeout=120)
    assert answer.status_code == 200, answer.text

    exported = [
        {
            name: {"value": value, "score": row[f"{name}.score"]}
            for name, value in row.items()
            if not name.endswith(".score")
        }
        for row in answer.json()["predictions"]
    ]
    assert versions.differences(full_export.served[:200], exported) == []


def test_two_exports_with_other_code_are_loaded_in_one_process(full_export, tmp_path, db):
    version = versions.version_of(
        {"text_classification": versions.dialogue_part()},
        '<View><Paragraphs name="talk" value="$talk" textKey="words" nameKey="who"/>'
        '<Choices name="topic" toName="talk"><Choice value="sport"/><Choice value="money"/>'
        '<Choice value="music"/></Choices></View>',
    )
    write(version, tmp_path / "export")
    program = """
import mlflow, sys
models = [mlflow.pyfunc.load_model(path) for path in sys.argv[1:]]
for model in models:
    print(len(model.predict(model.input_example)))
print(models[1].predict([{"talk": [{"words": "ball goal team", "who": "A"}]}])["topic"][0])
"""
    folders = (str(full_export.folder), str(tmp_path / "export"))
    assert mlflow_venv.run(program, *folders, cwd=tmp_path).split() == ["1", "1", "sport"]


def test_a_champion_is_registered_in_mlflow_once_with_its_alias(
    transactional_db, settings, tmp_path
):
    """A server of MLflow with its own store; the job of a promotion pushes to it."""
    arguments = (
        *("server", "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--workers", "1"),
        *("--artifacts-destination", str(tmp_path / "artifacts")),
    )
    with mlflow_venv.served(*arguments, cwd=tmp_path, ready="/health") as url:
        settings.MLFLOW_TRACKING_URI = url
        first = versions.version_of(
            {"text_classification": versions.text_part()}, versions.TEXT_CONFIG
        )
        jobs.push_to_mlflow(first.pk)
        again = push(ModelVersion.objects.select_related("project").get(pk=first.pk))
        second = ModelVersionFactory(
            project=first.project, champion=True, content=trained.artifact()
        )
        jobs.push_to_mlflow(first.pk)  # no champion any more
        pushed = push(ModelVersion.objects.select_related("project").get(pk=second.pk))

        model = f"models:/{pushed.name}@champion"
        program = """
import mlflow, sys
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
name = sys.argv[2].removeprefix("models:/").partition("@")[0]
found = client.search_model_versions(f"name='{name}'")
for one in sorted(found, key=lambda one: int(one.version)):
    run = client.get_run(one.run_id)
    print(one.version, one.tags["evals.version"], run.info.status, run.data.metrics["primary"])
print(mlflow.pyfunc.load_model(sys.argv[2]).predict([{"text": "good great"}])["label"][0])
"""
        printed = mlflow_venv.run(program, url, model, cwd=tmp_path).splitlines()

    assert (again.number, again.is_new) == ("1", False)
    assert printed == [
        f"1 {first.label} FINISHED 0.8",
        f"2 {second.label} FINISHED 0.8",
        "Positive",
    ]
