"""A run of several pipelines: one version, whose parts each have their tables and functions."""

from dataclasses import replace

import pytest

from mlapi.domain import Prediction, TargetSpec
from mlapi.images.folder_store import FolderImageStore
from mlapi.pipelines import artifact, version_predictor
from mlapi.run_folder.job import TrainingJob
from mlapi.training.child import carry_out
from mlapi.training.load_check_child import check_artifact
from registry.promotion import decide
from tests.mlapi.image_files import digits
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import champion_of, target

N = 150
TEXTS, TOPICS = some_texts(N)
TOPIC = TargetSpec.from_dict({**target(), "pipeline": "text_classification"})


@pytest.fixture
def run_of_two(image_job):
    """`run_of_two(topics, **job)`: tasks with an image and a text, a pipeline for each."""

    def make(topics=TOPICS, images_labelled=True, **other):
        files, kinds = digits(N)
        rows = [
            {
                "id": i + 1,
                "data": {"image": f"/data/upload/1/{i + 1}.png", "text": TEXTS[i]},
                "labels": {"topic": topics[i]} | ({"kind": kinds[i]} if images_labelled else {}),
                "split": "holdout" if i % 5 == 0 else "train",
            }
            for i in range(N)
        ]
        job = image_job(files, kinds, tasks=rows, **other)
        first = replace(TrainingJob.read_all(job.folder)[0], parts=2, learns_from="labelled")
        named = [replace(t, pipeline=first.pipeline) for t in first.targets]
        first = replace(first, targets=tuple(named))
        text = replace(
            first,
            part=2,
            pipeline="text_classification",
            targets=(TOPIC,),
            input={},
        )
        first.write()
        text.write()
        return job

    return make


def test_two_pipelines_make_one_version_with_metrics_per_target_and_together(run_of_two):
    job = run_of_two()

    result = job.train()

    assert {t["name"]: t["pipeline"] for t in result["targets"]} == {
        "kind": "image_classification",
        "topic": "text_classification",
    }
    kind, topic = (job.metric("macro_f1", target=name) for name in ("kind", "topic"))
    assert job.metric("primary", target="") == pytest.approx((kind + topic) / 2)
    assert {o["target"] for o in result["outcomes"]} == {"kind", "topic"}
    created = [s for s in job.statements if s.startswith("CREATE FUNCTION p90_v")]
    assert len(created) == len({s.split()[2] for s in created}) == 2
    progress = [line["progress"] for line in job.progress if "progress" in line]
    assert progress == sorted(progress)


def test_the_version_loads_and_predicts_both_targets(run_of_two):
    job = run_of_two()
    result = job.train()

    check_artifact(job.folder, job.artifact, result["artifact_sha256"])

    predictor = version_predictor.load(artifact.split(job.artifact.read_bytes()))
    data = [{"image": "/data/upload/1/1.png", "text": TEXTS[0]}]
    (answers,) = predictor.predict(data, store=FolderImageStore.read(job.folder))
    assert set(answers) == {"kind", "topic"}


def test_each_part_is_compared_with_the_champions_part_of_its_pipeline(run_of_two):
    first = run_of_two()
    first.train()
    champion = champion_of(first, pipeline="image_classification, text_classification")

    job = run_of_two(champion=champion)
    comparison = job.train()["comparison"]

    assert set(comparison["targets"]) == {"kind", "topic"}
    assert comparison["champion_serves"]
    assert comparison["n"] == N // 5
    for one in comparison["targets"].values():
        assert one["candidate"] == pytest.approx(one["champion"])
    assert comparison["interval"] == [0, 0]


def test_a_version_is_compared_over_the_targets_of_all_its_pipelines(run_of_two):
    wrong = [*TOPICS[1:], TOPICS[0]]  # each text has the topic of another one
    first = run_of_two(topics=wrong)
    first.train()
    champion = champion_of(first, pipeline="image_classification, text_classification")

    comparison = run_of_two(champion=champion).train()["comparison"]

    kind, topic = (comparison["targets"][name] for name in ("kind", "topic"))
    assert kind["difference"] == 0
    assert comparison["difference"] == pytest.approx(topic["difference"] / 2)
    low, high = comparison["interval"]
    assert 0 < low < comparison["difference"] < high
    assert (
        decide("if_at_least_as_good", comparison | {"n": 30}, has_champion=True).clause == "as_good"
    )
    turned = comparison | {"n": 30, "candidate": comparison["champion"], "champion": 1.0}
    assert decide("if_at_least_as_good", turned, has_champion=True).clause == "worse"


def test_a_version_that_has_lost_a_part_of_the_champion_is_not_compared_with_it(run_of_two):
    """An empty comparison promotes nothing; one over the remaining targets might."""
    first = run_of_two()
    first.train()
    champion = champion_of(first, pipeline="image_classification, text_classification")
    job = run_of_two(topics=["fruit"] * N, champion=champion)

    assert job.train()["comparison"] is None
    lost = "it has learned text_classification, the new version not"
    assert any(lost in line.get("log", "") for line in job.progress)


def test_a_part_that_neither_version_has_leaves_the_others_compared(run_of_two):
    first = run_of_two(topics=["fruit"] * N)
    first.train()
    champion = champion_of(first, pipeline="image_classification, text_classification")

    same = run_of_two(topics=["fruit"] * N, champion=champion).train()["comparison"]
    more = run_of_two(champion=champion).train()["comparison"]

    assert set(same["targets"]) == {"kind"}
    assert more["targets"]["topic"]["champion"] == 0
    assert more["difference"] > 0


def test_each_pipeline_adds_the_learning_curve_of_its_targets(run_of_two):
    job = run_of_two()
    job.train()

    assert carry_out(job.folder, curve=True) == 0

    points = {"kind": {}, "topic": {}}
    for row in job.read("curve.json")["metrics"]:
        assert row["name"] == "learning_curve"
        points[row["target"]][row["step"]] = row["value"]
    for name, of_target in points.items():
        assert len(of_target) == 4
        assert of_target[max(of_target)] == pytest.approx(job.metric("macro_f1", target=name))


def test_a_pipeline_that_cannot_be_trained_leaves_its_targets_untrained_with_the_reason(run_of_two):
    job = run_of_two(topics=["fruit"] * N)

    result = job.train()

    states = {t["name"]: (t["trained"], t["untrained_reason"]) for t in result["targets"]}
    assert states["kind"] == (True, "")
    assert states["topic"][0] is False
    assert "the same" in states["topic"][1]
    assert list(artifact.split(job.artifact.read_bytes())) == ["image_classification"]
    check_artifact(job.folder, job.artifact, result["artifact_sha256"])


LIKE = {"first": ("0", 10), "second": ("1", 3)}  # the label and the k of each control


@pytest.fixture
def run_of_two_references(image_job):
    """`run_of_two_references(controls, **job)`: each control has tasks like its own label."""

    def make(controls=LIKE, **other):
        files, kinds = digits(N)
        rows = [
            {
                "id": i + 1,
                "data": {"image": f"/data/upload/1/{i + 1}.png"},
                "labels": dict.fromkeys(controls, kind),
                "split": "holdout" if i % 5 == 0 else "train",
            }
            for i, kind in enumerate(kinds)
        ]
        job = image_job(files, kinds, "image_similarity", tasks=rows, **other)
        whole = TrainingJob.read_all(job.folder)[0]
        for part, name in enumerate(controls, start=1):
            label, k = LIKE[name]
            control = replace(whole.targets[0], name=name, pipeline=whole.pipeline)
            replace(
                whole,
                part=part,
                parts=len(controls),
                part_name=f"image_similarity/{part}" if len(controls) > 1 else "",
                targets=(control,),
                options={**whole.options, "similar_to": label, "k": k},
            ).write()
        return job

    return make


def test_controls_of_one_pipeline_are_filled_with_options_of_their_own(run_of_two_references):
    job = run_of_two_references()

    result = job.train()

    assert job.metric("precision_at_k", target="first") is not None
    assert {m["step"] for m in result["metrics"] if m["name"] == "precision_at_k"} == {3, 10}
    assert [t["labels"] for t in result["targets"]] == [["0"], ["1"]]
    assert list(artifact.split(job.artifact.read_bytes())) == [
        "image_similarity/1",
        "image_similarity/2",
    ]
    check_artifact(job.folder, job.artifact, result["artifact_sha256"])
    predictor = version_predictor.load(artifact.split(job.artifact.read_bytes()))
    _, kinds = digits(N)
    data = [{"image": f"/data/upload/1/{kinds.index(kind) + 1}.png"} for kind in "01"]
    found = predictor.predict(data, store=FolderImageStore.read(job.folder))
    values = [
        {name: a.regions[0].value for name, a in row.items() if isinstance(a, Prediction)}
        for row in found
    ]
    assert values == [{"first": "0"}, {"second": "1"}]


def test_each_of_them_is_compared_with_the_champions_part_of_its_control(run_of_two_references):
    first = run_of_two_references()
    first.train()
    champion = champion_of(first, pipeline="image_similarity")

    # In another order, so that the parts have other numbers.
    job = run_of_two_references(dict(reversed(LIKE.items())), champion=champion)
    targets = job.train()["comparison"]["targets"]

    assert set(targets) == set(LIKE)
    for one in targets.values():
        assert one["candidate"] == pytest.approx(one["champion"])


def test_the_part_that_is_left_is_compared_with_its_own(run_of_two_references):
    first = run_of_two_references()
    first.train()
    champion = champion_of(first, pipeline="image_similarity")

    job = run_of_two_references(["second"], champion=champion)
    comparison = job.train()["comparison"]

    assert comparison["champion_serves"]
    assert comparison["candidate"] == pytest.approx(comparison["champion"])


def test_the_curve_of_the_only_part_that_was_trained_is_its_own(run_of_two):
    job = run_of_two(topics=["fruit"] * N)
    job.train()

    assert carry_out(job.folder, curve=True) == 0

    assert {m["target"] for m in job.read("curve.json")["metrics"]} == {"kind"}


def test_a_pipeline_without_any_label_leaves_its_targets_untrained(run_of_two):
    result = run_of_two(images_labelled=False).train()

    states = {t["name"]: (t["trained"], t["untrained_reason"]) for t in result["targets"]}
    assert states["topic"] == (True, "")
    assert states["kind"][0] is False
    assert "usable label" in states["kind"][1]


@pytest.fixture
def run_of_two_classifiers(image_job):
    """`run_of_two_classifiers(apart, **job)`: two controls on an image, in one part or in two."""

    def make(*, apart, **other):
        files, kinds = digits(N)
        controls = {"kind": kinds, "parity": [str(int(kind) % 2) for kind in kinds]}
        rows = [
            {
                "id": i + 1,
                "data": {"image": f"/data/upload/1/{i + 1}.png"},
                "labels": {name: labels[i] for name, labels in controls.items()},
                "split": "holdout" if i % 5 == 0 else "train",
            }
            for i in range(N)
        ]
        job = image_job(files, kinds, tasks=rows, **other)
        whole = TrainingJob.read_all(job.folder)[0]
        kind = replace(whole.targets[0], pipeline=whole.pipeline)
        targets = kind, replace(kind, name="parity", labels=("0", "1"))
        parts = [[target] for target in targets] if apart else [targets]
        for part, own in enumerate(parts, start=1):
            name = f"image_classification/{part}" if apart else ""
            replace(whole, part=part, parts=len(parts), part_name=name, targets=tuple(own)).write()
        return job

    return make


@pytest.mark.parametrize("apart", [False, True])
def test_targets_that_change_parts_are_compared_with_what_the_champion_learned(
    run_of_two_classifiers, apart
):
    first = run_of_two_classifiers(apart=not apart)
    first.train()
    champion = champion_of(first, pipeline="image_classification")

    comparison = run_of_two_classifiers(apart=apart, champion=champion).train()["comparison"]

    assert set(comparison["targets"]) == {"kind", "parity"}
    for one in comparison["targets"].values():
        assert one["candidate"] == one["champion"] > 0


def test_similarity_and_clusters_make_one_version(run_of_two_references):
    first = None
    for _ in range(2):
        champion = first and champion_of(first, pipeline="image_similarity, image_clusters")
        job = run_of_two_references(champion=champion)
        _, second = TrainingJob.read_all(job.folder)
        clusters = replace(second.targets[0], pipeline="image_clusters")
        replace(
            second,
            pipeline="image_clusters",
            part_name="",
            targets=(clusters,),
            options={**second.options, "similar_to": None, "cluster": True, "clusters": 10},
        ).write()
        result, first = job.train(), job

    assert {t["name"]: t["pipeline"] for t in result["targets"]} == {
        "first": "image_similarity",
        "second": "image_clusters",
    }
    assert result["primary_metric"] == "primary"
    targets = result["comparison"]["targets"]
    assert [targets[name]["metric"] for name in LIKE] == ["macro_f1", "adjusted_rand"]
    assert result["comparison"]["difference"] == pytest.approx(0)
    check_artifact(job.folder, job.artifact, result["artifact_sha256"])
