"""Trainings on pictures, from the files in a job's folder to the artifact, through EvaDB."""

import json
from collections import Counter

import numpy as np
import pytest

from mlapi import pipelines
from mlapi.pipelines.base import Answer, Problem, TargetSpec
from mlapi.pipelines.images.seen import SeenPictures, read_features
from mlapi.training.child import carry_out
from mlapi.training.verify import verify
from tests.mlapi.pictures import digits, inked_digits, tiles
from tests.mlapi.training_child.conftest import champion_of
from tests.mlapi.training_child.pictures import OPENCV, OPTIONS, put_pictures, rows, spec


@pytest.fixture(scope="module")
def kept():
    """Features of pictures that were seen by an earlier test, as a database keeps them."""
    return {}


@pytest.fixture
def picture_job(make_job, kept):
    """`picture_job(files, labels, ...)`: a folder with the files and a task for each.

    With `fresh` nothing was seen before.
    """
    made = []

    def make(
        files,
        labels,
        pipeline="image_classification",
        options=None,
        target=None,
        fresh=False,
        **other,
    ):
        known = [label for label in labels if isinstance(label, str)]
        job = make_job(
            other.pop("tasks", None) or rows(labels),
            [target or spec(known)],
            pipeline=pipeline,
            options={**OPTIONS, **(options or {})},
            extractor=other.pop("extractor", OPENCV),
            **other,
        )
        made.append(job)
        return put_pictures(job, files, {} if fresh else kept)

    yield make
    for job in made:
        for path in (job.folder / "features").glob("*.npz"):
            extractor, found = read_features(path)
            if extractor == OPENCV["name"]:
                kept.update(found)


def value(job, name, target="kind", label=""):
    return job.metric(name, target, label)


def test_digits_are_told_apart(picture_job):
    job = picture_job(*digits(), fresh=True)

    result = job.train()

    assert value(job, "accuracy") >= 0.98
    assert value(job, "ece") <= 0.1
    assert result["extractor"] == "opencv-1"
    names = [c["name"] for c in result["candidates"]]
    assert names[:2] == ["picture features, linear", "picture features, kernel"]
    statements = job.statements
    assert any(s.startswith("LOAD IMAGE") for s in statements)
    assert any("TYPE XGBoost" not in s and "CREATE FUNCTION" in s for s in statements)
    assert any(s.startswith("SELECT id, p90_v") for s in statements)
    assert not (job.folder / "normalised").exists()


def test_what_was_trained_loads_and_answers_as_it_was_judged(picture_job):
    files, labels = digits(400)
    job = picture_job(files, labels)
    result = job.train()

    verify(job.folder, job.artifact)  # in a process that has no pictures but those of the folder
    predictor = pipelines.get("image_classification").load(job.artifact)
    data = [{"image": f"/data/upload/1/{i + 1}.png"} for i in range(len(files))]
    said = predictor.predict(data, store=SeenPictures.read(job.folder))

    assert predictor.nbytes > 0
    for outcome in result["outcomes"]:
        assert said[outcome["task"] - 1]["kind"].value == outcome["predicted"]
        assert said[outcome["task"] - 1]["kind"].score == pytest.approx(outcome["score"])


def test_the_colour_of_ink_is_told(picture_job):
    job = picture_job(*inked_digits(600))

    job.train()

    assert value(job, "accuracy") >= 0.98


def test_several_labels_of_a_picture_are_learned(picture_job):
    files, labels = digits(500)
    sets = [sorted({"round"} & {"round" if d in "0689" else ""}) for d in labels]
    sets = [[*s, "small"] if int(d) < 5 else s for s, d in zip(sets, labels, strict=True)]
    target = spec(["round", "small"], kind="multiple")
    job = picture_job(files, sets, target=target)

    job.train()

    assert value(job, "subset_accuracy") > 0.85
    assert value(job, "subset_accuracy") > value(job, "baseline_subset_accuracy") + 0.3


def test_the_learning_curve_of_pictures_reads_what_was_seen(picture_job):
    job = picture_job(*digits(300))
    job.train()

    assert carry_out(job.folder, curve=True) == 0

    points = job.read("curve.json")["metrics"]
    assert len(points) == 4
    assert points[-1]["value"] == pytest.approx(value(job, "macro_f1"))


def test_automl_races_on_the_principal_components(picture_job):
    job = picture_job(*digits(300), automl=True, automl_note="", time_budget_s=12)

    result = job.train()

    automl = result["candidates"][-1]
    assert automl["name"] == "EvaDB AutoML, XGBoost"
    assert 0.3 < automl["score"] <= 1


def test_the_same_pictures_make_the_same_version(picture_job):
    one, other = (picture_job(*digits(200)) for _ in range(2))
    one.train()
    other.train()

    assert one.artifact.read_bytes() == other.artifact.read_bytes()


def test_a_picture_that_is_none_spoils_no_other(picture_job):
    files, labels = digits(120)
    files = [*files]
    files[3], files[50] = b"no picture", files[50][:60]
    files[7] = b""
    job = picture_job(files, labels, fresh=True)

    result = job.train()

    judged = {o["task"] for o in result["outcomes"]}
    assert not judged & {4, 51, 8}
    log = "\n".join(line["log"] for line in job.progress if "log" in line)
    assert "pictures take no part" in log
    predictor = pipelines.get("image_classification").load(job.artifact)
    (said,) = predictor.predict(
        [{"image": "/data/upload/1/4.png"}], store=SeenPictures.read(job.folder)
    )
    assert isinstance(said["kind"], Problem)


def test_pictures_that_were_seen_before_are_not_read_again(picture_job):
    files, labels = digits(150)
    first = picture_job(files[:130], labels[:130], fresh=True)
    first.train()
    second = picture_job(files, labels, fresh=True)
    (second.folder / "features").mkdir()
    for path in (first.folder / "features").glob("*.npz"):
        (second.folder / "features" / f"kept-{path.name}").write_bytes(path.read_bytes())
    for i in range(130):
        (second.folder / "pictures" / str(i)).unlink()

    second.train()

    made = [
        found
        for path in (second.folder / "features").glob("*.npz")
        if not path.name.startswith("kept")
        for found in read_features(path)[1]
    ]
    assert len(made) == 20


def test_without_any_picture_the_run_says_so(picture_job):
    files, labels = digits(30)
    job = picture_job([b"x" * (i + 1) for i in range(30)], labels)

    error = job.fail()

    assert error["code"] == "not_enough_labels"
    assert "picture" in error["message"]


def test_a_champion_is_judged_on_the_same_pictures(picture_job):
    files, labels = digits(500)
    champion = picture_job(files[:200], labels[:200])
    champion.train()
    theirs = champion_of(champion, pipeline="image_classification", extractor=OPENCV)
    job = picture_job(files, labels, champion=theirs)

    comparison = job.train()["comparison"]

    assert comparison["champion_serves"] is True
    assert 0.5 < comparison["champion"] <= comparison["candidate"]
    assert comparison["n"] == len(job.result["outcomes"])


def test_a_champion_whose_features_are_gone_keeps_no_version_from_being_made(picture_job):
    files, labels = digits(200)
    champion = picture_job(files, labels)
    champion.train()
    gone = {"features": "opencv", "name": "opencv-0"}
    theirs = champion_of(champion, pipeline="image_classification", extractor=gone)
    job = picture_job(files, labels, champion=theirs)

    job.train()

    log = "\n".join(line["log"] for line in job.progress if "log" in line)
    assert "The champion cannot see any more" in log


@pytest.mark.vision
def test_a_model_of_transformers_sees_for_a_version(picture_job, tmp_path):
    from mlapi.seeing.extractors import extractor
    from tests.mlapi.seeing import tiny_models

    features = tiny_models.save(tmp_path / "tiny", tiny_models.vit)
    named = {"features": features, "name": extractor(features).name}
    job = picture_job(
        *inked_digits(90), options={"features": features}, fresh=True, extractor=named
    )

    result = job.train()

    assert result["extractor"] == named["name"]
    assert named["name"].startswith("hf:tiny@")
    assert value(job, "accuracy") > value(job, "baseline_accuracy")
    verify(job.folder, job.artifact)


# Similarity


def similarity(picture_job, files, labels, label, **other):
    options = {"similar_to": label, **other.pop("options", {})}
    return picture_job(files, labels, "image_similarity", options, **other)


def test_the_nearest_digits_are_the_same_digit(picture_job):
    files, labels = digits()
    job = similarity(picture_job, files, labels, "7")

    result = job.train()

    assert value(job, "precision_at_k") >= 0.97
    assert value(job, "precision_at_k") > value(job, "baseline_precision_at_k") + 0.5
    assert result["primary_metric"] == "macro_f1"
    assert value(job, "precision", label="7") > 0.9


def test_the_nearest_of_a_red_digit_are_red(picture_job):
    files, labels = inked_digits(400)
    job = similarity(picture_job, files, labels, "red")

    job.train()

    assert value(job, "precision_at_k") >= 0.98


def test_the_nearest_tiles_are_of_the_same_photograph(picture_job):
    files, labels = tiles()
    job = similarity(picture_job, files, labels, "photograph 1", options={"k": 3})

    job.train()

    assert value(job, "precision_at_k") >= 0.95


def test_few_references_find_their_like_among_the_unlabelled(picture_job):
    files, labels = digits(300)
    marked = [i for i, d in enumerate(labels) if d == "0"][:4]
    said = ["0" if i in marked else None for i in range(300)]
    job = similarity(picture_job, files, said, "0", target=spec(["0", "other"]))

    result = job.train()

    shown = result["exemplars"]
    assert {e["label"] for e in shown} == {"0"}
    assert not {e["task"] - 1 for e in shown} & set(marked)
    assert np.mean([labels[e["task"] - 1] == "0" for e in shown[:10]]) >= 0.9
    assert [e["score"] for e in shown] == sorted((e["score"] for e in shown), reverse=True)
    predictor = pipelines.get("image_similarity").load(job.artifact)
    data = [{"image": f"/data/upload/1/{i + 1}.png"} for i in range(300)]
    answers = predictor.predict(data, store=SeenPictures.read(job.folder))
    found = [i for i, a in enumerate(answers) if isinstance(a["kind"], Answer)]
    assert set(marked) <= set(found)
    assert len(found) <= 4 * 11
    far = next(a["kind"] for a in answers if isinstance(a["kind"], Problem))
    assert far.code == "not_similar"
    verify(job.folder, job.artifact)


def test_a_reference_is_never_judged_by_itself(picture_job):
    files, labels = digits(60)
    said = ["0" if i == 0 else "other" for i in range(60)]
    tasks = rows(said)
    tasks[0]["split"] = "holdout"
    job = similarity(picture_job, files, said, "0", tasks=tasks, options={"k": 1})

    (own,) = [o for o in job.train()["outcomes"] if o["task"] == 1]

    assert own["human"] == "0"
    assert own["predicted"] is None


def test_without_a_reference_there_is_nothing_to_learn(picture_job):
    files, labels = digits(30)
    job = similarity(picture_job, files, ["1"] * 30, "0", target=spec(["0", "1"]))

    assert job.fail()["code"] == "no_references"


def test_a_champion_of_another_label_serves_nothing(picture_job):
    files, labels = digits(200)
    champion = similarity(picture_job, files, labels, "0")
    champion.train()
    theirs = champion_of(champion, pipeline="image_similarity", extractor=OPENCV)

    same = similarity(picture_job, files, labels, "0", champion=theirs)
    other = similarity(picture_job, files, labels, "1", champion=theirs)

    assert same.train()["comparison"]["champion_serves"] is True
    assert other.train()["comparison"]["champion_serves"] is False


# Clusters


def clusters(picture_job, files, labels, k=None, **other):
    target = other.pop("target", None) or spec([], control_tag="TextArea")
    options = {"cluster": "kind", "clusters": k}
    return picture_job(files, labels, "image_clusters", options, target, **other)


@pytest.mark.parametrize(("k", "least"), [(10, 0.72), (None, 0.60)])
def test_clusters_of_digits_are_digits(picture_job, k, least):
    files, labels = digits()
    job = clusters(picture_job, files, labels, k)

    result = job.train()

    assert value(job, "adjusted_rand") >= least
    assert value(job, "v_measure") >= least
    assert 0 < value(job, "silhouette") < 1
    assert result["primary_metric"] == "adjusted_rand"
    if k:
        assert value(job, "clusters") == k


def test_clusters_are_found_without_any_label(picture_job):
    files, labels = digits(300)
    job = clusters(picture_job, files, [None] * 300, 10)

    result = job.train()

    assert result["primary_metric"] == "silhouette"
    assert result["outcomes"] == []
    names = {e["label"] for e in result["exemplars"]}
    assert names == {f"cluster {i}" for i in range(1, 11)}
    assert sum(value(job, "support", label=name) for name in names) == 300
    verify(job.folder, job.artifact)


def test_names_stay_from_version_to_version_and_annotators_give_them(picture_job):
    files, labels = digits(400)
    first = clusters(picture_job, files[:300], [None] * 300, 10)
    first.train()
    theirs = champion_of(first, pipeline="image_clusters", extractor=OPENCV)
    shown = {}
    for exemplar in first.result["exemplars"]:
        shown.setdefault(exemplar["label"], []).append(exemplar["task"])
    said = [None] * 400
    for task in shown["cluster 3"][:2]:
        said[task - 1] = "my own name"
    tasks = rows(said, holdout=0)
    second = clusters(picture_job, files, said, 10, champion=theirs, tasks=tasks)

    second.train()

    now = {}
    for exemplar in second.result["exemplars"]:
        now[exemplar["task"]] = exemplar["label"]
    for name, members in shown.items():
        still = Counter(now[task] for task in members if task in now).most_common(1)
        if name == "cluster 3":
            assert still[0][0] == "my own name"
        elif still and still[0][0] in shown:
            assert still[0][0] == name
    assert len(set(now.values()) & set(shown)) >= 6


def test_clusters_named_by_choices_have_no_other_names(picture_job):
    files, _ = digits(200)
    target = spec(["A", "B", "C"])
    job = clusters(picture_job, files, [None] * 200, None, target=target)

    job.train()

    assert {e["label"] for e in job.result["exemplars"]} <= {"A", "B", "C"}
    too_many = clusters(picture_job, files, [None] * 200, 5, target=target)
    assert too_many.fail()["code"] == "too_many_clusters"


def test_pictures_that_are_all_the_same_have_no_clusters(picture_job):
    files, _ = digits(1)

    job = clusters(picture_job, [files[0]] * 20, [None] * 20)

    assert job.fail()["code"] == "not_enough_tasks"


def test_a_predictor_of_clusters_names_each_picture(picture_job):
    files, _ = digits(100)
    job = clusters(picture_job, files, [None] * 100, 4)
    job.train()
    predictor = pipelines.get("image_clusters").load(job.artifact)
    today = TargetSpec.from_dict(json.loads((job.folder / "job.json").read_text())["targets"][0])

    said = predictor.predict(
        [{"image": "/data/upload/1/1.png"}, {"image": "/nowhere.png"}, {"image": 5}],
        [today],
        SeenPictures.read(job.folder),
    )

    assert said[0]["kind"].value.startswith("cluster ")
    assert 0 <= said[0]["kind"].score <= 1
    assert [said[1]["kind"].code, said[2]["kind"].code] == ["picture_missing", "not_an_address"]
