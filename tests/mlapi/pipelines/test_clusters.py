"""Groups of vectors, their names from version to version, and the model of them."""

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from mlapi.domain import TargetSpec
from mlapi.images.features import ExtractorRef
from mlapi.inputs import ImageFeatures
from mlapi.pipelines.artifact import pack, unpack
from mlapi.pipelines.image_clusters.adjusted_rand import adjusted_rand
from mlapi.pipelines.image_clusters.cluster_names import Members, name_all
from mlapi.pipelines.image_clusters.clustering import cluster
from mlapi.pipelines.image_clusters.model import ClusterModel

SPEC = TargetSpec("group", "img", "Image", "image", "text", (), control_tag="TextArea")
OPENCV = ImageFeatures(ExtractorRef("opencv", "opencv-1"))


def blobs(k: int, n: int = 40, seed: int = 0) -> np.ndarray:
    """n vectors around each of k points that are far from each other."""
    rng = np.random.default_rng(seed)
    centres = np.eye(k, 16)
    return np.vstack([c + rng.normal(scale=0.05, size=(n, 16)) for c in centres]).astype("f4")


def members(size: int, previous: dict | None = None, humans: dict | None = None) -> Members:
    return Members(size, Counter(previous or {}), Counter(humans or {}))


@pytest.mark.parametrize("k", [2, 3, 5, 8])
def test_as_many_groups_are_found_as_there_are(k):
    found = cluster(blobs(k), None, most=20, seed=0)

    assert len(found.centres) == k
    assert found.tried[k] == max(found.tried.values())
    assert list(found.tried) == list(range(2, 21))


def test_as_many_clusters_are_made_as_are_requested():
    assert len(cluster(blobs(5), 3, most=20, seed=0).centres) == 3


def test_there_are_no_more_clusters_than_labels_or_different_images():
    assert len(cluster(blobs(6), None, most=4, seed=0).centres) <= 4
    same = np.repeat(blobs(3, n=1), 20, axis=0)
    assert len(cluster(same, 10, most=20, seed=0).centres) == 3


def test_the_same_vectors_are_grouped_the_same():
    one, other = (cluster(blobs(4), None, most=20, seed=1).centres for _ in range(2))

    np.testing.assert_array_equal(one, other)


def test_new_clusters_are_numbered_the_largest_first():
    assert name_all([members(3), members(9)], ()) == ["cluster 2", "cluster 1"]


def test_a_cluster_keeps_its_name_where_most_of_its_members_had_it():
    found = name_all(
        [members(10, {"cluster 2": 9, "cluster 1": 1}), members(10, {"cluster 1": 4})],
        (),
        ["cluster 1", "cluster 2"],
    )

    assert found == ["cluster 2", "cluster 3"]


def test_of_a_cluster_that_fell_apart_the_larger_part_keeps_its_name():
    found = name_all([members(4, {"a": 4}), members(9, {"a": 8})], (), ["a"])

    assert found == ["cluster 1", "a"]


def test_an_annotators_answer_renames_a_cluster():
    found = name_all([members(10, {"cluster 1": 10}, {"cats": 1}), members(5)], (), ["cluster 1"])

    assert found == ["cats", "cluster 2"]


def test_annotators_who_disagree_rename_nothing():
    found = name_all([members(10, {"a": 10}, {"cats": 1, "dogs": 1}), members(5)], (), ["a"])

    assert found[0] == "a"


def test_names_of_a_control_with_labels_are_its_labels():
    assert name_all([members(5), members(9), members(2)], ("A", "B", "C")) == ["B", "A", "C"]
    assert name_all([members(5, humans={"A": 2}), members(9)], ("A", "B")) == ["A", "B"]


def cluster_model() -> ClusterModel:
    return ClusterModel(SPEC, OPENCV, np.eye(3, 16, dtype="f4"), ["a", "b", "c"])


def test_what_is_at_a_centre_is_central_and_what_lies_between_is_not():
    centres = np.eye(3, 16, dtype="f4")
    between = (centres[0] + centres[1]) / 2

    clusters, centrality = cluster_model().assign(np.vstack([centres, between]))

    assert clusters[:3].tolist() == [0, 1, 2]
    np.testing.assert_allclose(centrality, [1, 1, 1, 0], atol=1e-6)


def test_an_artifact_of_clusters_holds_the_whole_model():
    model = cluster_model()
    content = pack("image_clusters", model.to_parts())

    found = ClusterModel.from_parts(unpack(content))

    assert (found.spec, found.input, found.names) == (SPEC, OPENCV, model.names)
    np.testing.assert_array_equal(found.centres, model.centres)
    assert pack("image_clusters", found.to_parts()) == content


def test_the_adjusted_rand_index_under_weights_is_scikit_learns_on_the_tasks_drawn():
    rng = np.random.default_rng(0)
    truth = np.array(["a", "b", "c"])[rng.integers(3, size=60)]
    clusters = np.where(rng.random(60) < 0.6, np.unique(truth, return_inverse=True)[1], -1)
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=20).astype(np.float32)

    found = adjusted_rand(list(truth), clusters)(weights)

    for score, row in zip(found, weights.astype(int), strict=True):
        drawn = np.repeat(np.arange(60), row)
        assert score == pytest.approx(adjusted_rand_score(truth[drawn], clusters[drawn]))


@pytest.mark.parametrize(
    ("truth", "clusters"), [("aaa", [0, 0, 0]), ("abc", [2, 1, 0]), ("aab", [0, 0, 0])]
)
def test_the_adjusted_rand_index_of_one_group_is_scikit_learns(truth, clusters):
    score = adjusted_rand(list(truth), np.array(clusters))
    assert score(np.ones((1, 3))) == adjusted_rand_score(list(truth), clusters)
    assert np.isnan(score(np.array([[1, 0, 0]])))
