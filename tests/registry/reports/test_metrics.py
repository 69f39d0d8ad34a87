"""The metrics of a version, overall and by class, beside the previous champion's."""

from dataclasses import replace

import pytest

from registry.actions import champion
from registry.metrics import title
from registry.models import Metric, Project
from registry.reports.metrics import champion_metrics, per_class, whole_metrics
from registry.reports.version_history import champion_before
from tests.factories import ModelVersionFactory, ProjectFactory, promote

from .records import clusters, metric, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


def of_class(label, f1, n, precision=0.5, recall=0.6):
    return [
        metric("precision", precision, label=label, n=n + 1),
        metric("recall", recall, label=label, n=n),
        metric("f1", f1, label=label, n=n),
        metric("support", n, label=label, n=n),
    ]


def version(project, *metrics):
    return ModelVersionFactory(project=project, metrics=list(metrics))


def test_each_class_has_its_numbers_and_those_of_the_champion_before(project):
    before = version(project, *of_class("Positive", 0.7, 10))
    own = version(project, *of_class("Positive", 0.8, 12), *of_class("New", None, 3))
    new, positive = sorted(per_class(own, before), key=lambda r: r.label)
    assert (positive.precision, positive.recall, positive.f1, positive.n) == (0.5, 0.6, 0.8, 12)
    assert (positive.previous_f1, positive.previous_n) == (0.7, 10)
    assert (new.f1, new.n, new.previous_f1, new.previous_n) == (None, 3, None, 0)
    assert [row.previous_f1 for row in per_class(own)] == [None, None]


def test_the_query_of_whole_metrics_finds_those_that_are(project):
    version(
        project,
        metric("primary", 0.5, target=""),
        metric("precision_at_k", 0.6, step=10),
        metric("learning_curve", 0.5, step=10),
        metric("accuracy", 0.7),
        metric("accuracy", 0.8, split="combined"),
        *of_class("Positive", 0.7, 10),
    )
    whole = {(row.name, row.split) for row in Metric.objects.whole()}
    assert whole == {(name, "holdout") for name in ("primary", "precision_at_k", "accuracy")}
    assert set(Metric.objects.whole()) == {row for row in Metric.objects.all() if row.is_whole}


def test_whole_metrics_are_shown_beside_baseline_and_champion_before(project):
    before = version(project, metric("accuracy", 0.6, n=30))
    own = version(
        project,
        metric("primary", 0.5, target=""),
        metric("accuracy", 0.7),
        metric("baseline_accuracy", 0.8),
        metric("ece", 0.02),
        metric("ece_calibrated", 0.03),
        metric("log_loss", 0.4),
        metric("baseline_macro_f1", 0.3, target="a"),
        metric("baseline_macro_f1", 0.5, target="b"),
        metric("learning_curve", 0.5, step=10),
        *of_class("Positive", 0.7, 10),
    )
    rows = whole_metrics(own, before)
    assert [(r.target, r.name) for r in rows] == [
        ("", "primary"),
        ("label", "accuracy"),
        ("label", "ece"),
        ("label", "log_loss"),
    ]
    primary, accuracy, ece, log_loss = rows
    assert (primary.baseline, primary.beats_baseline) == (pytest.approx(0.4), True)
    assert (accuracy.baseline, accuracy.beats_baseline) == (0.8, False)
    assert (accuracy.previous, accuracy.previous_n) == (0.6, 30)
    assert (ece.beats_baseline, log_loss.beats_baseline) == (True, None)


def test_the_champion_before_is_the_one_it_was_considered_against(project):
    first, second, third = (version(project) for _ in range(3))
    promote(first)
    promote(second)
    champion.apply_promotion_rule(third, {"champion_label": second.label, "n": 40, "candidate": 0.1,
                              "champion": 0.2, "champion_serves": True})  # fmt: skip
    champion.roll_back(project, actor="tester", reason="a test")
    promote(second)
    assert champion_before(first) is None
    assert champion_before(second) == first
    assert champion_before(third) == second


def test_the_queries_do_not_grow_with_the_classes(project):
    few = version(project, *of_class("Positive", 0.8, 12))
    many = version(project, *(m for i in range(30) for m in of_class(f"class {i}", 0.5, 9)))
    for v in (few, many):
        assert queries(lambda v=v: per_class(v, few)) == 1
        assert queries(lambda v=v: whole_metrics(v, few)) == 1
        assert queries(lambda v=v: champion_before(v)) == 1


def rows(version, previous=None):
    return {row.name: row for row in whole_metrics(version, previous)}


def test_precision_at_k_is_shown_beside_what_chance_would_get(project):
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


def test_the_primary_metric_is_shown_beside_the_baseline_of_what_it_is(project):
    named = clusters(project, {"cats": 3}, [("cats", "cats"), ("dogs", "cats")])
    row = rows(named)["primary"]
    assert (row.value, row.baseline, row.metric) == (0.7, 0.0, "adjusted_rand")
    assert title(row.name, row.metric) == "primary metric (adjusted Rand)"
    assert rows(clusters(project, {"cats": 3}))["primary"].baseline is None


def test_a_mean_over_targets_with_other_metrics_is_shown_beside_the_mean_of_their_baselines(
    project,
):
    found = rows(
        ModelVersionFactory(
            project=project,
            primary_metric="primary",
            metrics=[
                metric("primary", 0.6, target=""),
                metric("baseline_primary", 0.2, target=""),
                metric("macro_f1", 0.7),
                metric("baseline_macro_f1", 0.4),
                metric("adjusted_rand", 0.5, target="group"),
                metric("baseline_adjusted_rand", 0.0, target="group"),
            ],
        )
    )
    assert set(found) == {"primary", "macro_f1", "adjusted_rand"}
    assert (found["primary"].value, found["primary"].baseline) == (0.6, 0.2)
    assert found["primary"].beats_baseline


def test_another_primary_metric_of_the_champion_before_is_not_compared(project):
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
