"""Image classification from the files in a job's folder to the artifact, through EvaDB."""

import pytest

from mlapi import pipelines
from mlapi.domain import NoPrediction
from mlapi.images.folder_store import FolderImageStore, read_features
from mlapi.label_types import value_of
from mlapi.training.child import carry_out
from mlapi.training.load_check_child import check_artifact
from tests.mlapi.image_files import digits, inked_digits
from tests.mlapi.training_child.conftest import champion_of, with_automl
from tests.mlapi.training_child.image_jobs import INPUT, spec, value

ALL = pytest.param(None, 0.98, marks=pytest.mark.nightly)  # 1,797, whose features take seconds


@pytest.mark.parametrize(
    ("many", "least"), [(250, 0.95), pytest.param(500, 0.97, marks=pytest.mark.nightly), ALL]
)
def test_digits_are_classified(image_job, many, least):
    job = image_job(*digits(many), fresh=True)

    result = job.train()

    assert value(job, "accuracy") >= least
    assert value(job, "ece") <= 0.1
    assert result["extractor"] == "opencv-1"
    names = [c["name"] for c in result["candidates"]]
    assert names[:2] == ["image features, linear", "image features, kernel"]
    statements = job.statements
    assert any(s.startswith("LOAD IMAGE") for s in statements)
    assert any("TYPE XGBoost" not in s and "CREATE FUNCTION" in s for s in statements)
    assert any(s.startswith("SELECT id, p90_v") for s in statements)
    assert not (job.folder / "normalised").exists()


def test_the_artifact_loads_and_answers_as_it_was_evaluated(image_job):
    files, labels = digits(400)
    job = image_job(files, labels)
    result = job.train()

    # In a process that has no images but those of the folder.
    check_artifact(job.folder, job.artifact, job.result["artifact_sha256"])
    predictor = pipelines.get("image_classification").load(job.artifact.read_bytes())
    data = [{"image": f"/data/upload/1/{i + 1}.png"} for i in range(len(files))]
    answers = predictor.predict(data, store=FolderImageStore.read(job.folder))

    assert predictor.nbytes > 0
    for outcome in result["outcomes"]:
        assert value_of(answers[outcome["task"] - 1]["kind"]) == outcome["predicted"]
        # A kernel of float32 is rounded differently in batches of other sizes.
        score = pytest.approx(outcome["score"], rel=1e-4)
        assert answers[outcome["task"] - 1]["kind"].score == score


def test_the_colour_of_ink_is_classified(image_job):
    job = image_job(*inked_digits(250))

    job.train()

    assert value(job, "accuracy") >= 0.98


def test_several_labels_of_an_image_are_learned(image_job):
    files, labels = digits(500)
    sets = [sorted({"round"} & {"round" if d in "0689" else ""}) for d in labels]
    sets = [[*s, "small"] if int(d) < 5 else s for s, d in zip(sets, labels, strict=True)]
    target = spec(["round", "small"], kind="choices")
    job = image_job(files, sets, target=target)

    job.train()

    assert value(job, "subset_accuracy") > 0.85
    assert value(job, "subset_accuracy") > value(job, "baseline_subset_accuracy") + 0.3


def test_the_learning_curve_of_images_reads_the_stored_features(image_job):
    job = image_job(*digits(300))
    job.train()

    assert carry_out(job.folder, curve=True) == 0

    points = job.read("curve.json")["metrics"]
    assert len(points) == 4
    assert points[-1]["value"] == pytest.approx(value(job, "macro_f1"))


def test_automl_is_trained_on_the_principal_components(image_job):
    def job_of(seconds: float):
        return image_job(*digits(300), automl=True, automl_note="", time_budget_s=seconds)

    _, result, _ = with_automl(job_of, 12)

    automl = result["candidates"][-1]
    assert automl["name"] == "EvaDB AutoML, XGBoost"
    assert 0.3 < automl["score"] <= 1


def test_the_same_images_make_the_same_version(image_job):
    one, other = (image_job(*digits(200)) for _ in range(2))
    one.train()
    other.train()

    assert one.artifact.read_bytes() == other.artifact.read_bytes()


def test_an_invalid_image_does_not_affect_others(image_job):
    files, labels = digits(120)
    files = [*files]
    files[3], files[50] = b"no image", files[50][:60]
    files[7] = b""
    job = image_job(files, labels, fresh=True)

    result = job.train()

    evaluated = {o["task"] for o in result["outcomes"]}
    assert not evaluated & {4, 51, 8}
    log = "\n".join(line["log"] for line in job.progress if "log" in line)
    assert "images are unavailable" in log
    predictor = pipelines.get("image_classification").load(job.artifact.read_bytes())
    (answers,) = predictor.predict(
        [{"image": "/data/upload/1/4.png"}], store=FolderImageStore.read(job.folder)
    )
    assert isinstance(answers["kind"], NoPrediction)


def test_images_with_stored_features_are_not_read_again(image_job):
    files, labels = digits(150)
    first = image_job(files[:130], labels[:130], fresh=True)
    first.train()
    second = image_job(files, labels, fresh=True)
    (second.folder / "features").mkdir()
    for path in (first.folder / "features").glob("*.npz"):
        (second.folder / "features" / f"kept-{path.name}").write_bytes(path.read_bytes())
    for i in range(130):
        (second.folder / "images" / str(i)).unlink()

    second.train()

    made = [
        found
        for path in (second.folder / "features").glob("*.npz")
        if not path.name.startswith("kept")
        for found in read_features(path)[1]
    ]
    assert len(made) == 20


def test_without_any_image_the_run_says_so(image_job):
    files, labels = digits(30)
    job = image_job([b"x" * (i + 1) for i in range(30)], labels)

    error = job.fail()

    assert error["code"] == "not_enough_labels"
    assert "image" in error["message"]


def test_a_champion_is_evaluated_on_the_same_images(image_job):
    files, labels = digits(500)
    earlier = image_job(files[:200], labels[:200])
    earlier.train()
    champion = champion_of(
        earlier, pipeline="image_classification", inputs={"image_classification": INPUT.settings}
    )
    job = image_job(files, labels, champion=champion)

    comparison = job.train()["comparison"]

    assert comparison["champion_serves"] is True
    assert 0.5 < comparison["champion"] <= comparison["candidate"]
    assert comparison["n"] == len(job.result["outcomes"])


def test_a_champion_whose_features_are_gone_keeps_no_version_from_being_made(image_job):
    files, labels = digits(200)
    earlier = image_job(files, labels)
    earlier.train()
    gone = {"features": "opencv", "name": "opencv-0"}
    champion = champion_of(
        earlier, pipeline="image_classification", inputs={"image_classification": gone}
    )
    job = image_job(files, labels, champion=champion)

    job.train()

    log = "\n".join(line["log"] for line in job.progress if "log" in line)
    assert "The champion's extractor cannot be used" in log


@pytest.mark.vision
def test_a_model_of_transformers_sees_for_a_version(image_job, tmp_path):
    from mlapi.images.extractors.loading import extractor
    from tests.mlapi.images.extractors import tiny_models

    features = tiny_models.save(tmp_path / "tiny", tiny_models.vit)
    named = {"features": features, "name": extractor(features).name}
    job = image_job(*inked_digits(90), options={"features": features}, fresh=True, input=named)

    result = job.train()

    assert result["extractor"] == named["name"]
    assert named.name.startswith("hf:tiny@")
    assert value(job, "accuracy") > value(job, "baseline_accuracy")
    check_artifact(job.folder, job.artifact, job.result["artifact_sha256"])
