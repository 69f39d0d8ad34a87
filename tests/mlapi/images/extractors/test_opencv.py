"""The features that need nothing but OpenCV: of any image, the same each time."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from mlapi.images.extractors.loading import extractor
from mlapi.images.extractors.opencv import SHARES, OpenCVFeatures
from tests.mlapi.images.extractors.samples import digits, tiles

RNG = np.random.default_rng(0)
SHAPES = [(1, 1), (1, 2), (3, 2), (1, 5000), (5000, 1), (8, 8), (255, 257), (700, 90), (1000, 1000)]


def noise(h: int, w: int) -> np.ndarray:
    return RNG.integers(0, 256, (h, w, 3), dtype=np.uint8)


def plain(h: int, w: int, colour) -> np.ndarray:
    return np.full((h, w, 3), colour, np.uint8)


def odd_images() -> list[np.ndarray]:
    colours = [0, 255, 128, (255, 0, 0), (0, 0, 255)]
    images = [noise(h, w) for h, w in SHAPES]
    images += [plain(h, w, colour) for h, w in SHAPES for colour in colours]
    return [*images, noise(400, 300)[::2, ::-1], np.asfortranarray(noise(30, 40))]


@pytest.fixture(scope="module")
def features():
    return extractor("opencv").features


def test_any_image_has_a_vector_of_length_one(features):
    rows = features(odd_images())

    assert rows.dtype == np.float32
    assert rows.shape == (len(odd_images()), extractor("opencv").size)
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_no_images_have_no_vectors(features):
    assert features([]).shape == (0, extractor("opencv").size)


def test_a_vector_is_its_images_alone(features):
    images = odd_images()

    together = features(images)

    for row, image in zip(together, images, strict=True):
        np.testing.assert_array_equal(features([image])[0], row)
    np.testing.assert_array_equal(features(images[::-1])[::-1], together)


def test_threads_get_what_one_gets(features):
    images = tiles(64).images[:20]
    alone = features(images)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(features, [images] * 16))

    for rows in together:
        np.testing.assert_array_equal(rows, alone)


def test_the_features_fit_a_table_of_many(features):
    assert extractor("opencv").size <= 1500


def test_a_larger_image_has_the_features_of_the_shrunk_one():
    made = OpenCVFeatures()
    large = tiles(400).images[0]
    side = made.max_side
    shrunk = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)

    np.testing.assert_array_equal(made.features([large]), made.features([shrunk]))


def test_a_small_change_of_light_or_size_changes_little(features):
    tile = tiles(128).images[3]
    lighter = np.clip(tile.astype(int) + 8, 0, 255).astype(np.uint8)
    smaller = cv2.resize(tile, (100, 100), interpolation=cv2.INTER_AREA)

    same, light, small, other = features([tile, lighter, smaller, tiles(128).images[-1]])

    assert same @ light > 0.95
    assert same @ small > 0.9
    assert same @ other < same @ small


def test_the_colour_of_an_image_counts_and_the_order_of_its_channels_too(features):
    red, blue = plain(20, 20, (255, 0, 0)), plain(20, 20, (0, 0, 255))

    rows = features([red, blue, red[:, :, ::-1]])

    assert rows[0] @ rows[1] < 0.8
    np.testing.assert_array_equal(rows[1], rows[2])


def test_ink_on_paper_has_the_shape_of_chalk_on_slate(features):
    chalk = digits().images[:50]
    ink = [255 - image for image in chalk]
    shape = slice(0, 513)

    similar = (features(chalk)[:, shape] * features(ink)[:, shape]).sum(axis=1) / SHARES["hog"]

    assert similar.min() > 0.99


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
    ids=["grey", "alpha", "empty", "floats"],
)
def test_an_array_that_is_no_rgb_image_is_refused(features, wrong):
    with pytest.raises(ValueError, match="No RGB image"):
        features([wrong])


def test_the_shares_make_a_whole():
    assert sum(SHARES.values()) == pytest.approx(1)
