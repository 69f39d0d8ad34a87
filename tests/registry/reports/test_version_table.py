"""Many versions in one table."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import TrainingRun
from registry.reports.version_table import version_table
from tests import factories as make

from .records import metric, queries

pytestmark = pytest.mark.django_db


def version(project, value, seed=0):
    made = make.ModelVersionFactory(
        project=project,
        metrics=[
            metric("macro_f1", value),
            metric("log_loss", 1 - value),
            metric("baseline_macro_f1", 0.3),
            metric("f1", value, label="Positive"),
            metric("primary", value, target=""),
        ],
    )
    own = {"pipeline": "text_classification", "left_out": [f"candidate {made.pk}"]}
    parameters = {"seed": seed, "automl": "off", **own}
    now = timezone.now()
    TrainingRun.objects.filter(pk=made.run_id).update(
        parameters=parameters,
        dataset_counts={"tasks": 50, "train": 40, "holdout": 10, "targets": {}},
        started_at=now - timedelta(seconds=12),
        ended_at=now,
    )
    return made


def test_each_metric_is_one_column_and_the_primary_one_is_first():
    project = make.ProjectFactory()
    versions = [version(project, 0.7), version(project, 0.8)]
    table = version_table(versions)
    assert [(m.target, m.name) for m in table.measures] == [
        ("", "primary"),
        ("label", "log_loss"),
        ("label", "macro_f1"),
    ]
    first, second = table.rows
    assert (first.version, second.version) == tuple(versions)
    assert second.values[table.measures[2]] == (0.8, 40)
    assert (first.tasks, first.seconds) == ({"train": 40, "holdout": 10}, 12.0)


def test_only_the_options_that_differ_are_shown():
    project = make.ProjectFactory()
    table = version_table([version(project, 0.7, seed=1), version(project, 0.7, seed=2)])
    assert [row.options for row in table.rows] == [{"seed": 1}, {"seed": 2}]
    table = version_table([version(project, 0.7), version(project, 0.7)])
    assert [row.options for row in table.rows] == [{}, {}]


def test_it_takes_two_queries_however_many_versions_and_none_is_missing_without_metrics():
    project = make.ProjectFactory()
    versions = [version(project, n / 10) for n in range(5)]
    versions.append(make.ModelVersionFactory(project=project, metrics=[]))
    assert queries(lambda: version_table(versions)) == 2
    assert len(version_table(versions).rows) == 6
    assert version_table(versions).rows[-1].values == {}
    assert version_table([]).rows == []
