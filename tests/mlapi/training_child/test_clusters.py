"""Clusters of images: found, named, renamed and matched from version to version."""

import json
from collections import Counter

import pytest

from mlapi import pipelines
from mlapi.domain import TargetSpec
from mlapi.images.folder_store import FolderImageStore
from mlapi.label_types import value_of
from mlapi.training.load_check_child import check_artifact
from tests.mlapi.image_files import digits
from tests.mlapi.training_child.conftest import champion_of
from tests.mlapi.training_child.image_jobs import INPUT, rows, spec, value


def clusters(image_job, files, labels, k=None, **other):
    target = other.pop("target", None) or spec([], control_tag="TextArea")
    options = {"cluster": "kind", "clusters": k}
    return image_job(files, labels, "image_clusters", options, target, **other)


@pytest.mark.parametrize(("k", "least"), [(10, 0.72), (None, 0.60)])
def test_clusters_of_digits_are_digits(image_job, k, least):
    files, labels = digits(500)
    job = clusters(image_job, files, labels, k)

    result = job.train()

    assert value(job, "adjusted_rand") >= least
    assert value(job, "v_measure") >= least
    assert 0 < value(job, "silhouette") < 1
    assert result["primary_metric"] == "adjusted_rand"
    if k:
        assert value(job, "clusters") == k


def test_clusters_are_found_without_any_label(image_job):
    files, labels = digits(300)
    job = clusters(image_job, files, [None] * 300, 10)

    result = job.train()

    assert result["primary_metric"] == "silhouette"
    assert result["outcomes"] == []
    names = {e["label"] for e in result["exemplars"]}
    assert names == {f"cluster {i}" for i in range(1, 11)}
    assert sum(value(job, "support", label=name) for name in names) == 300
    check_artifact(job.folder, job.artifact, job.result["artifact_sha256"])


def test_versions_are_compared_by_adjusted_rand_with_its_interval(image_job):
    files, labels = digits(300)
    few = clusters(image_job, files, labels, 2)
    few.train()
    champion = champion_of(
        few, pipeline="image_clusters", inputs={"image_clusters": INPUT.settings}
    )

    comparison = clusters(image_job, files, labels, 10, champion=champion).train()["comparison"]

    assert comparison["metric"] == "adjusted_rand"
    assert comparison["champion_serves"]
    low, high = comparison["interval"]
    assert 0 < low < comparison["difference"] < high
    assert comparison["targets"]["kind"]["interval"] == comparison["interval"]


def test_names_stay_from_version_to_version_and_annotators_give_them(image_job):
    files, labels = digits(400)
    first = clusters(image_job, files[:300], [None] * 300, 10)
    first.train()
    champion = champion_of(
        first, pipeline="image_clusters", inputs={"image_clusters": INPUT.settings}
    )
    shown = {}
    for exemplar in first.result["exemplars"]:
        shown.setdefault(exemplar["label"], []).append(exemplar["task"])
    answers = [None] * 400
    for task in shown["cluster 3"][:2]:
        answers[task - 1] = "my own name"
    tasks = rows(answers, holdout=0)
    second = clusters(image_job, files, answers, 10, champion=champion, tasks=tasks)

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


def test_clusters_named_by_choices_have_no_other_names(image_job):
    files, _ = digits(200)
    target = spec(["A", "B", "C"])
    job = clusters(image_job, files, [None] * 200, None, target=target)

    job.train()

    assert {e["label"] for e in job.result["exemplars"]} <= {"A", "B", "C"}
    too_many = clusters(image_job, files, [None] * 200, 5, target=target)
    assert too_many.fail()["code"] == "too_many_clusters"


def test_images_that_are_all_the_same_have_no_clusters(image_job):
    files, _ = digits(1)

    job = clusters(image_job, [files[0]] * 20, [None] * 20)

    assert job.fail()["code"] == "not_enough_tasks"


def test_a_predictor_of_clusters_names_each_image(image_job):
    files, _ = digits(100)
    job = clusters(image_job, files, [None] * 100, 4)
    job.train()
    predictor = pipelines.get("image_clusters").load(job.artifact.read_bytes())
    today = TargetSpec.from_dict(json.loads((job.folder / "job.json").read_text())["targets"][0])

    answers = predictor.predict(
        [{"image": "/data/upload/1/1.png"}, {"image": "/nowhere.png"}, {"image": 5}],
        [today],
        FolderImageStore.read(job.folder),
    )

    assert value_of(answers[0]["kind"]).startswith("cluster ")
    assert 0 <= answers[0]["kind"].score <= 1
    assert [answers[1]["kind"].code, answers[2]["kind"].code] == ["image_missing", "not_an_address"]
