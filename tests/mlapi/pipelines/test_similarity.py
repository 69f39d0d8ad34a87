"""The model of what is like its references."""

import numpy as np
import pytest

from mlapi.domain import TargetSpec
from mlapi.images.features import ExtractorRef
from mlapi.inputs import ImageFeatures
from mlapi.label_types import value_of
from mlapi.pipelines.artifact import pack, unpack
from mlapi.pipelines.image_similarity.evaluation import SimilarityExamples, precision_at_k
from mlapi.pipelines.image_similarity.model import SimilarityModel

SPEC = TargetSpec("kind", "img", "Image", "image", "choice", ("cat",))


def unit(*angles: float) -> np.ndarray:
    """Vectors at these angles (degrees): their cosines are those of the differences."""
    radians = np.deg2rad(angles)
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype("f4")


def similarity_model(kind="choice") -> SimilarityModel:
    """References at 0 and 90 degrees, near up to 30 and up to 10 degrees from them."""
    return SimilarityModel(
        TargetSpec("kind", "img", "Image", "image", kind, ("cat",)),
        "cat",
        ImageFeatures(ExtractorRef("opencv", "opencv-1")),
        np.array([7, 9]),
        unit(0, 90),
        np.cos(np.deg2rad([30, 10])).astype("f4"),
    )


@pytest.mark.parametrize(
    ("angle", "near"), [(0, True), (29, True), (30, True), (31, False), (79, False), (81, True)]
)
def test_an_image_among_the_nearest_of_a_reference_is_similar_to_it(angle, near):
    model = similarity_model()

    _, (nearness,) = model.nearest(unit(angle))

    assert (model.answer(nearness) is not None) is near


def test_the_score_is_the_cosine_mapped_from_0_to_1():
    _, (nearness,) = similarity_model().nearest(unit(20))

    answer = similarity_model().answer(nearness)

    assert value_of(answer) == "cat"
    assert answer.score == pytest.approx((np.cos(np.deg2rad(20)) + 1) / 2)


def test_a_control_of_several_labels_is_answered_with_a_set():
    _, (nearness,) = similarity_model("choices").nearest(unit(0))

    assert value_of(similarity_model("choices").answer(nearness)) == ("cat",)


def test_an_artifact_of_similarity_holds_the_whole_model():
    model = similarity_model()
    content = pack("image_similarity", model.to_parts())

    found = SimilarityModel.from_parts(unpack(content))

    assert (found.spec, found.label, found.input) == (SPEC, "cat", model.input)
    for name in ("references", "vectors", "thresholds"):
        np.testing.assert_array_equal(getattr(found, name), getattr(model, name))
    assert pack("image_similarity", found.to_parts()) == content


def test_precision_at_k_is_of_the_nearest_labelled_others():
    humans = [frozenset({"cat"}), frozenset({"cat"}), frozenset({"dog"}), frozenset({"dog"}), None]
    examples = SimilarityExamples(
        np.arange(5),
        unit(0, 1, 50, 3, 0.5),
        humans,
        np.array([True, False, False, False, True]),
        "cat",
    )

    # Of the three others the nearest two are a cat at 1 and a dog at 3 degrees.
    assert precision_at_k(examples, 2) == (0.5, pytest.approx(1 / 3), 1)
    assert precision_at_k(examples, 1)[0] == 1.0
    assert precision_at_k(examples, 50)[0] == pytest.approx(1 / 3)
