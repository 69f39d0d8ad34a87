"""The quality of features from EvaDB: one recipe, three kinds of image."""

import numpy as np
import pytest

from mlapi.eva.images import evaluate_images
from mlapi.eva.open import open_eva
from mlapi.images.function import ImageFeaturesFunction
from tests.mlapi.images.extractors import scores
from tests.mlapi.images.extractors.samples import Labelled, digits, inked_digits, tiles, write_pngs


def _embed(folder, name: str, data: Labelled) -> tuple[np.ndarray, np.ndarray]:
    eva = open_eva(folder / "eva")
    write_pngs(folder / "png", data.images)
    found = evaluate_images(
        eva, name, folder / "png", ImageFeaturesFunction, {"features": "opencv"}
    )
    assert len(found) == len(data.images)
    return np.stack(list(found.values())), data.labels


@pytest.fixture(scope="module")
def digit_features(tmp_path_factory):
    return _embed(tmp_path_factory.mktemp("digits"), "digit_features", digits())


@pytest.fixture(scope="module")
def ink_features(tmp_path_factory):
    return _embed(tmp_path_factory.mktemp("inks"), "ink_features", inked_digits(600))


@pytest.fixture(scope="module", params=[64, 96, 128])
def tile_features(tmp_path_factory, request):
    side = request.param
    return _embed(tmp_path_factory.mktemp("tiles"), f"tile_features_{side}", tiles(side))


@pytest.mark.nightly
def test_plain_classifiers_read_the_digits(digit_features):
    assert scores.svm_accuracy(*digit_features) >= 0.98
    assert scores.linear_accuracy(*digit_features) >= 0.98


@pytest.mark.nightly
def test_the_ten_nearest_of_a_digit_are_the_same_digit(digit_features):
    assert scores.precision_at(10, *digit_features) >= 0.97


@pytest.mark.nightly
def test_k_means_finds_the_digits(digit_features):
    assert scores.clustered(*digit_features, k=10) >= 0.72


@pytest.mark.nightly
def test_k_means_finds_the_digits_without_knowing_how_many_there_are(digit_features):
    k, rand = scores.clustered_by_silhouette(*digit_features)

    assert rand >= 0.60
    assert 8 <= k <= 15


def test_plain_classifiers_tell_the_ink(ink_features):
    assert scores.svm_accuracy(*ink_features) >= 0.98
    assert scores.linear_accuracy(*ink_features) >= 0.98


def test_the_nearest_of_a_red_digit_are_red(ink_features):
    features, inks = ink_features
    nearest = inks[scores.nearest(10, features)]

    assert (nearest[inks == "red"] == "red").all()
    assert scores.precision_at(10, features, inks) >= 0.98


def test_the_nearest_of_a_tile_are_of_its_photograph(tile_features):
    assert scores.precision_at(1, *tile_features) >= 0.95
    assert scores.precision_at(5, *tile_features) >= 0.95
