"""Whether a version is as often right as it is sure."""

import pytest

from registry.reports.reliability import reliability
from registry.statistics import wilson
from tests.factories import OutcomeFactory, ProjectFactory

from .records import classifier, metric, queries

pytestmark = pytest.mark.django_db

P, N = "Positive", "Negative"


@pytest.fixture
def project():
    return ProjectFactory()


def test_answers_are_counted_by_how_sure_they_were(project):
    answers = [(P, P, 0.95), (P, P, 1.0), (P, N, 0.97), (P, N, 0.12), (P, P, 0.5), (P, N, None)]
    found = reliability(classifier(project, answers), "label")
    assert [(b.low, b.high, b.n, b.correct) for b in found.bins] == [
        (0.1, 0.2, 1, 0),
        (0.5, 0.6, 1, 1),
        (0.9, 1.0, 3, 2),
    ]
    surest = found.bins[-1]
    assert surest.mean_score == pytest.approx((0.95 + 1.0 + 0.97) / 3)
    assert surest.share == pytest.approx(2 / 3)
    assert surest.interval == wilson(2, 3)
    assert found.n == 5


def test_the_calibration_error_is_shown_beside_what_a_calibrated_model_would_read(project):
    metrics = [metric("ece", 0.04), metric("ece_calibrated", 0.03)]
    version = classifier(project, [(P, P)], metrics=metrics)
    found = reliability(version, "label")
    assert (found.ece, found.ece_calibrated) == (0.04, 0.03)
    OutcomeFactory(version=version, score=0.3)
    after = reliability(version, "label", source="prequential")
    assert (after.n, after.ece) == (1, None)


def test_a_version_without_outcomes_has_no_bins(project):
    assert reliability(classifier(project, [], metrics=[]), "label").bins == []


def test_the_queries_do_not_grow_with_the_outcomes(project):
    for answers in ([(P, P)], [(P, P, i / 20) for i in range(20)]):
        version = classifier(project, answers)
        assert queries(lambda v=version: reliability(v, "label")) == 2
