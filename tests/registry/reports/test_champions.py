"""What a monitoring system reads of the champions."""

import pytest

from registry.models import Project
from registry.reports.champions import champion_metrics
from tests.factories import ModelVersionFactory, ProjectFactory

from .records import metric, queries

pytestmark = pytest.mark.django_db


def test_a_champion_has_its_whole_metrics_with_their_baselines():
    project = ProjectFactory(title="Reviews")
    version = ModelVersionFactory(
        project=project,
        champion=True,
        metrics=[
            metric("primary", 0.6, target=""),
            metric("precision_at_k", 0.6, step=10),
            metric("baseline_precision_at_k", 0.2, step=10),
            metric("f1", 0.5, label="Positive"),
            metric("learning_curve", 0.4, step=100),
        ],
    )
    ModelVersionFactory(project=project)
    (found,) = champion_metrics(Project.objects.select_related("champion"))
    assert (found["project"], found["title"]) == (project.uid, "Reviews")
    assert found["version"] == version.label
    assert {m["name"]: m["value"] for m in found["metrics"]} == {
        "primary": 0.6,
        "precision_at_k": 0.6,
        "baseline_precision_at_k": 0.2,
    }
    assert queries(lambda: champion_metrics(Project.objects.select_related("champion"))) == 2
