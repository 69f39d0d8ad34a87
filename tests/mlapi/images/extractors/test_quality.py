"""What features made through EvaDB are good for: one recipe, three kinds of image."""

import numpy as np
import pytest

from mlapi.eva.images import evaluate_images
from mlapi.eva.open import open_eva
from mlapi.images.function import ImageFeaturesFunction
from tests.mlapi.images.extractors import scores
from tests.mlapi.images.extractors.samples import Labelled, digits, inked_digits, tiles, write_pngs


def _seen(folder, name: str, data: Labelled) -> tuple[np.ndarray, np.ndarray]:
    eva = open_eva(folder / "eva")
    write_pngs(folder / "png", data.images)
    found = evaluate_images(
        eva, name, folder / "png", ImageFeaturesFunction, {"features": "opencv"}
    )
    assert len(found) == len(data.images)
    return np.stack(list(found.values())), data.labels


@pytest.fixture(scope="module")
def seen_digits(tmp_path_factory):
    return _seen(tmp_path_factory.mktemp("digits"), "seen_digits", digits())


@pytest.fixture(scope="module")
def seen_inks(tmp_path_factory):
    return _seen(tmp_path_factory.mktemp("inks"), "seen_inks", inked_digits(600))


@pytest.fixture(scope="module", params=[64, 96, 128])
def seen_tiles(tmp_path_factory, request):
    side = request.param
    return _seen(tmp_path_factory.mktemp("tiles"), f"seen_tiles_{side}", tiles(side))


@pytest.mark.nightly
def test_plain_classifiers_read_the_digits(seen_digits):
    assert scores.svm_accuracy(*seen_digits) >= 0.98
    assert scores.linear_accuracy(*seen_digits) >= 0.98


@pytest.mark.nightly
def test_the_ten_nearest_of_a_digit_are_the_same_digit(seen_digits):
    assert scores.precision_at(10, *seen_digits) >= 0.97


@pytest.mark.nightly
def test_k_means_finds_the_digits(seen_digits):
    assert scores.clustered(*seen_digits, k=10) >= 0.72


@pytest.mark.nightly
def test_k_means_finds_the_digits_without_knowing_how_many_there_are(seen_digits):
    k, rand = scores.clustered_by_silhouette(*seen_digits)

    assert rand >= 0.60
    assert 8 <= k <= 15


def test_plain_classifiers_tell_the_ink(seen_inks):
    assert scores.svm_accuracy(*seen_inks) >= 0.98
    assert scores.linear_accuracy(*seen_inks) >= 0.98


def test_the_nearest_of_a_red_digit_are_red(seen_inks):
    features, inks = seen_inks
    nearest = inks[scores.nearest(10, features)]

    assert (nearest[inks == "red"] == "red").all()
    assert scores.precision_at(10, features, inks) >= 0.98


def test_the_nearest_of_a_tile_are_of_its_photograph(seen_tiles):
    assert scores.precision_at(1, *seen_tiles) >= 0.95
    assert scores.precision_at(5, *seen_tiles) >= 0.95
