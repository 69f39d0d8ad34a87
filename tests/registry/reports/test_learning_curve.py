"""Would more labels help?"""

import pytest

from registry.reports.learning_curve import CurvePoint, LearningCurve, learning_curves
from tests.factories import ModelVersionFactory, ProjectFactory

from .records import metric, queries


def curve(*values, n=400):
    return LearningCurve("label", [CurvePoint(100 * i, v, n) for i, v in enumerate(values, 1)])


@pytest.mark.parametrize(
    ("values", "n", "said"),
    [
        ([0.5, 0.6, 0.68, 0.74], 400, "More labels would probably help"),
        ([0.7, 0.78, 0.79, 0.795], 400, "More labels may help a little"),
        ([0.7, 0.8, 0.8, 0.802], 400, "More labels alone would probably not help much"),
        ([0.7, 0.8, 0.79, 0.75], 400, "More labels alone would probably not help much"),
        ([0.5, 0.6, 0.68, 0.74], 12, "The holdout is too small to tell"),
        ([0.5], 400, "There are too few points"),
        ([None, None, 0.7], 400, "There are too few points"),
        ([], 400, "There are too few points"),
    ],
)
def test_the_sentence_follows_what_the_last_doubling_gained(values, n, said):
    assert curve(*values, n=n).sentence.startswith(said)


def test_the_sentence_holds_the_numbers_that_it_rests_on():
    sentence = curve(0.5, 0.6, 0.68, 0.74).sentence
    assert "from 200 to 400 labels macro F1 went 0.600 → 0.740 (n = 400)" in sentence


@pytest.mark.django_db
def test_each_target_has_its_curve_by_growing_examples():
    project = ProjectFactory()
    points = [
        metric("learning_curve", 0.7, target="b", step=20),
        metric("learning_curve", 0.6, target="a", step=20),
        metric("learning_curve", 0.5, target="a", step=10),
        metric("accuracy", 0.5, target="a"),
    ]
    version = ModelVersionFactory(project=project, metrics=points)
    a, b = learning_curves(version)
    assert (a.target, [(p.step, p.value, p.n) for p in a.points]) == (
        "a",
        [(10, 0.5, 40), (20, 0.6, 40)],
    )
    assert (b.target, len(b.points)) == ("b", 1)
    assert queries(lambda: learning_curves(version)) == 1
    assert learning_curves(ModelVersionFactory(project=project)) == []
