"""Series: a metric over versions, accuracy over days, and learning curves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Outcome
from registry.reports.series import (
    CurvePoint,
    TargetCurve,
    learning_curves,
    metric_series,
    prequential_series,
)
from tests.factories import ModelVersionFactory, OutcomeFactory, ProjectFactory

from .records import metric, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


@pytest.fixture
def noon(monkeypatch):
    """Freezes the time at noon, so that no test begins on one day and ends on the next."""
    now = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(timezone, "now", lambda: now)


def version(project, *metrics):
    return ModelVersionFactory(project=project, metrics=list(metrics))


def test_a_metric_series_has_each_version_with_its_baseline(project):
    first = version(project, metric("accuracy", 0.7), metric("baseline_accuracy", 0.5))
    second = version(project, metric("accuracy", None, n=0))
    version(project, metric("log_loss", 0.7))
    version(ProjectFactory(), metric("accuracy", 0.1))
    points = metric_series(project, "accuracy", "label")
    assert [(p.version, p.label, p.number, p.value, p.n, p.baseline) for p in points] == [
        (first.pk, first.label, 1, 0.7, 40, 0.5),
        (second.pk, second.label, 2, None, 0, None),
    ]
    assert points[0].at == first.created_at


def test_the_primary_metric_is_shown_beside_the_mean_of_its_targets_baselines(project):
    version(
        project,
        metric("primary", 0.8, target=""),
        metric("baseline_macro_f1", 0.2, target="a"),
        metric("baseline_macro_f1", 0.4, target="b"),
    )
    (point,) = metric_series(project, "primary")
    assert (point.value, point.baseline) == (0.8, pytest.approx(0.3))


def test_what_only_targets_have_is_their_mean(project):
    version(
        project,
        metric("macro_f1", 0.6, target="a", n=30),
        metric("macro_f1", 0.8, target="b", n=40),
        metric("macro_f1", None, target="c", n=0),
    )
    (point,) = metric_series(project, "macro_f1")
    assert (point.value, point.n) == (pytest.approx(0.7), 40)
    assert [p.value for p in metric_series(project, "macro_f1", "a")] == [0.6]


def test_a_primary_metric_says_what_it_is_and_is_shown_beside_that_baseline(project):
    names = [("macro_f1", 0.4), ("adjusted_rand", 0.0), ("silhouette", None)]
    for name, _ in names:
        ModelVersionFactory(
            project=project,
            primary_metric=name,
            metrics=[
                metric("primary", 0.8, target=""),
                metric("baseline_macro_f1", 0.4),
                metric("baseline_adjusted_rand", 0.0),
            ],
        )
    assert [(p.metric, p.baseline) for p in metric_series(project, "primary")] == names


def test_precision_at_k_says_its_k_and_is_shown_beside_its_baseline(project):
    version(
        project,
        metric("precision_at_k", 0.6, step=10),
        metric("baseline_precision_at_k", 0.2, step=10),
    )
    (point,) = metric_series(project, "precision_at_k")
    assert (point.value, point.baseline, point.metric, point.k) == (0.6, 0.2, "precision_at_k", 10)


def test_classes_curves_and_other_splits_are_no_part_of_a_series(project):
    version(
        project,
        metric("f1", 0.1, label="Positive"),
        metric("accuracy", 0.2, step=10),
        metric("accuracy", 0.3) | {"split": "train"},
    )
    assert metric_series(project, "f1") == metric_series(project, "accuracy") == []


def answers(version, day, right, wrong=0, **fields):
    """Outcomes of so many days ago."""
    at = timezone.now() - timedelta(days=day)
    for predicted, n in (("Positive", right), ("Negative", wrong)):
        for _ in range(n):
            OutcomeFactory(version=version, predicted=predicted, at=at, **fields)


@pytest.mark.usefixtures("noon")
def test_each_day_has_its_answers_and_those_of_the_week_that_it_ends(project):
    v = version(project)
    answers(v, 8, right=3)
    answers(v, 6, right=12, wrong=3)
    answers(v, 0, right=9, wrong=1)
    days = prequential_series(project, days=30)
    assert [(d.proportion.n, d.proportion.correct) for d in days] == [(3, 3), (15, 12), (10, 9)]
    assert [(d.window.n, d.window.correct) for d in days] == [(3, 3), (18, 15), (25, 21)]
    assert [d.window.share for d in days] == [None, None, 21 / 25]
    assert days[-1].day == timezone.localdate()


@pytest.mark.usefixtures("noon")
def test_a_week_that_began_before_the_first_day_is_whole(project):
    v = version(project)
    answers(v, 3, right=5)
    answers(v, 0, right=2)
    (today,) = prequential_series(project, days=1)
    assert (today.proportion.n, today.window.n) == (2, 7)


@pytest.mark.usefixtures("noon")
def test_only_prequential_outcomes_count_and_those_of_all_versions(project):
    answers(version(project), 0, right=1)
    answers(version(project), 0, right=1)
    answers(version(project), 0, right=1, source=Outcome.Source.SHOWN)
    answers(version(ProjectFactory()), 0, right=1)
    (today,) = prequential_series(project)
    assert today.proportion.n == 2


def test_a_series_takes_one_query_however_many_rows(project):
    answers(version(project, metric("accuracy", 0.7)), 0, right=1)

    def ask():
        return metric_series(project, "accuracy"), prequential_series(project)

    assert queries(ask) == 2
    for day in range(4):
        answers(version(project, metric("accuracy", 0.7)), day, right=3)
    assert queries(ask) == 2
    assert len(ask()[0]) == 5


def curve(*values, n=400):
    return TargetCurve("label", [CurvePoint(100 * i, v, n) for i, v in enumerate(values, 1)])


@pytest.mark.parametrize(
    ("values", "n", "beginning"),
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
def test_the_sentence_follows_what_the_last_doubling_gained(values, n, beginning):
    assert curve(*values, n=n).sentence.startswith(beginning)


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
