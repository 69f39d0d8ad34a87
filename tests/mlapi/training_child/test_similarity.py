"""Image similarity: references, their neighbours, and how these are evaluated."""

import numpy as np

from mlapi import pipelines
from mlapi.domain import NoPrediction, Prediction
from mlapi.images.folder_store import FolderImageStore
from mlapi.training.load_check_child import check_artifact
from tests.mlapi.image_files import digits, inked_digits, tiles
from tests.mlapi.training_child.conftest import champion_of
from tests.mlapi.training_child.image_jobs import INPUT, rows, spec, value


def similarity(image_job, files, labels, label, **other):
    options = {"similar_to": label, **other.pop("options", {})}
    return image_job(files, labels, "image_similarity", options, **other)


def test_the_nearest_digits_are_the_same_digit(image_job):
    files, labels = digits(900)
    job = similarity(image_job, files, labels, "7")

    result = job.train()

    assert value(job, "precision_at_k") >= 0.97
    assert value(job, "precision_at_k") > value(job, "baseline_precision_at_k") + 0.5
    assert result["primary_metric"] == "macro_f1"
    assert value(job, "precision", label="7") > 0.9


def test_the_nearest_of_a_red_digit_are_red(image_job):
    files, labels = inked_digits(400)
    job = similarity(image_job, files, labels, "red")

    job.train()

    assert value(job, "precision_at_k") >= 0.98


def test_the_nearest_tiles_are_of_the_same_photograph(image_job):
    files, labels = tiles()
    job = similarity(image_job, files, labels, "photograph 1", options={"k": 3})

    job.train()

    assert value(job, "precision_at_k") >= 0.95


def test_few_references_find_their_like_among_the_unlabelled(image_job):
    files, labels = digits(300)
    marked = [i for i, d in enumerate(labels) if d == "0"][:4]
    chosen = ["0" if i in marked else None for i in range(300)]
    job = similarity(image_job, files, chosen, "0", target=spec(["0", "other"]))

    result = job.train()

    shown = result["exemplars"]
    assert {e["label"] for e in shown} == {"0"}
    assert not {e["task"] - 1 for e in shown} & set(marked)
    assert np.mean([labels[e["task"] - 1] == "0" for e in shown[:10]]) >= 0.9
    assert [e["score"] for e in shown] == sorted((e["score"] for e in shown), reverse=True)
    predictor = pipelines.get("image_similarity").load(job.artifact.read_bytes())
    data = [{"image": f"/data/upload/1/{i + 1}.png"} for i in range(300)]
    answers = predictor.predict(data, store=FolderImageStore.read(job.folder))
    found = [i for i, a in enumerate(answers) if isinstance(a["kind"], Prediction)]
    assert set(marked) <= set(found)
    assert len(found) <= 4 * 11
    far = next(a["kind"] for a in answers if isinstance(a["kind"], NoPrediction))
    assert far.code == "not_similar"
    check_artifact(job.folder, job.artifact, job.result["artifact_sha256"])


def test_a_reference_is_never_scored_against_itself(image_job):
    files, labels = digits(60)
    chosen = ["0" if i == 0 else "other" for i in range(60)]
    tasks = rows(chosen)
    tasks[0]["split"] = "holdout"
    job = similarity(image_job, files, chosen, "0", tasks=tasks, options={"k": 1})

    (own,) = [o for o in job.train()["outcomes"] if o["task"] == 1]

    assert own["human"] == "0"
    assert own["predicted"] is None


def test_without_a_reference_there_is_nothing_to_learn(image_job):
    files, labels = digits(30)
    job = similarity(image_job, files, ["1"] * 30, "0", target=spec(["0", "1"]))

    assert job.fail()["code"] == "no_references"


def test_a_champion_of_another_label_serves_nothing(image_job):
    files, labels = digits(200)
    earlier = similarity(image_job, files, labels, "0")
    earlier.train()
    champion = champion_of(
        earlier, pipeline="image_similarity", inputs={"image_similarity": INPUT.settings}
    )

    same = similarity(image_job, files, labels, "0", champion=champion)
    other = similarity(image_job, files, labels, "1", champion=champion)

    assert same.train()["comparison"]["champion_serves"] is True
    assert other.train()["comparison"]["champion_serves"] is False
