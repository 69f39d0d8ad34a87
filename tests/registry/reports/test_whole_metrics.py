"""How good a version is over all classes."""

from dataclasses import replace

import pytest

from registry.metrics import title
from registry.reports.metrics import whole_metrics
from tests.factories import ModelVersionFactory, ProjectFactory

from .records import clusters, metric, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


def rows(version, previous=None):
    return {row.name: row for row in whole_metrics(version, previous)}


def test_precision_at_k_stands_beside_what_chance_would_get(project):
    version = ModelVersionFactory(
        project=project,
        metrics=[
            metric("precision_at_k", 0.6, step=10, n=30),
            metric("baseline_precision_at_k", 0.2, step=10, n=30),
            metric("learning_curve", 0.5, step=10),
            metric("references", 12.0, n=300),
        ],
    )
    found = rows(version)
    assert set(found) == {"precision_at_k", "references"}
    row = found["precision_at_k"]
    assert (row.value, row.baseline, row.beats_baseline, row.k) == (0.6, 0.2, True, 10)
    assert title(row.name, row.metric, row.k) == "precision at 10"
    assert found["references"].beats_baseline is None


def test_the_primary_metric_stands_beside_the_baseline_of_what_it_is(project):
    named = clusters(project, {"cats": 3}, [("cats", "cats"), ("dogs", "cats")])
    row = rows(named)["primary"]
    assert (row.value, row.baseline, row.metric) == (0.7, 0.0, "adjusted_rand")
    assert title(row.name, row.metric) == "primary metric (adjusted Rand)"
    assert rows(clusters(project, {"cats": 3}))["primary"].baseline is None


def test_what_the_champion_before_was_judged_by_is_not_compared_with_something_else(project):
    before = clusters(project, {"cats": 3})
    now = clusters(project, {"cats": 3}, [("cats", "cats"), ("dogs", "cats")])
    found = rows(now, before)
    assert found["primary"].previous is None
    assert found["silhouette"].previous == 0.31
    assert queries(lambda: whole_metrics(now, before)) == 1


def test_a_primary_metric_that_is_an_error_is_better_when_lower(project):
    values = [metric("primary", 0.2, target=""), metric("mae", 0.2)]
    row = rows(ModelVersionFactory(project=project, metrics=values, primary_metric="mae"))[
        "primary"
    ]
    assert replace(row, baseline=0.5).beats_baseline
    assert not replace(row, baseline=0.1).beats_baseline
