"""The results of several pipelines as those of one version."""

from dataclasses import replace

import pytest

from mlapi.evaluation.joined import join
from registry.promotion import decide
from registry.training_result import (
    Comparison,
    MetricRow,
    OutcomeRow,
    TargetComparison,
    TargetRow,
    TrainingResult,
)


def compared(metric, candidate, champion, n=40, **targets):
    difference = candidate - champion
    return Comparison(metric, candidate, champion, difference, None, n, 0, True, targets)


def one(metric, candidate, champion, n=40):
    return TargetComparison(metric, candidate, champion, candidate - champion, None, n, 0)


def a_part(target, metric, value, tasks, comparison=None, **other):
    return TrainingResult(
        recipe=f"recipe of {target}",
        candidates=[],
        targets=[TargetRow(target, "o", "Text", "text", "choice", ["a", "b"])],
        metrics=[
            MetricRow("primary", value, len(tasks)),
            MetricRow(metric, value, len(tasks), target),
        ],
        outcomes=[OutcomeRow(t, target, "a", 0.9, "a", True, ["a"], ["a"]) for t in tasks],
        comparison=comparison,
        environment={"numpy": "2"},
        primary_metric=metric,
        artifact_sha256="of the part",
        **other,
    )


def primary_of(result):
    (row,) = [row for row in result.metrics if (row.target, row.name) == ("", "primary")]
    return row


def test_the_primary_value_is_the_mean_over_the_targets_of_all_parts():
    parts = [a_part("a", "macro_f1", 0.6, [1, 2]), a_part("b", "macro_f1", 1.0, [2, 3])]
    extra = [MetricRow("macro_f1", 0.5, 2, "c"), *parts[0].metrics]
    found = join([replace(parts[0], metrics=extra), parts[1]], [], "of all")
    assert found.primary_metric == "macro_f1"
    assert primary_of(found) == MetricRow("primary", pytest.approx((2 * 0.6 + 1.0) / 3), 3)
    assert found.artifact_sha256 == "of all"
    assert found.recipe == "recipe of a / recipe of b"
    assert {row.target for row in found.outcomes} == {"a", "b"}


def test_metrics_that_differ_count_as_scores_of_which_higher_is_better():
    found = join([a_part("a", "macro_f1", 0.6, [1]), a_part("b", "mae", 3.0, [1])], [], "x")
    assert found.primary_metric == "primary"
    assert primary_of(found).value == pytest.approx((0.6 + 1 / (1 + 3.0)) / 2)


@pytest.mark.parametrize(("errors", "promotes"), [((1.0, 9.0), True), ((9.0, 1.0), False)])
def test_versions_are_compared_by_target_and_together_with_their_directions(errors, promotes):
    tasks = list(range(40))
    parts = [
        a_part(
            "a", "macro_f1", 0.6, tasks, compared("macro_f1", 0.6, 0.6, a=one("macro_f1", 0.6, 0.6))
        ),
        a_part("b", "mae", errors[0], tasks, compared("mae", *errors)),
    ]
    comparison = join(parts, [], "x").comparison
    assert set(comparison.targets) == {"a", "b"}
    assert comparison.targets["b"].metric == "mae"
    assert comparison.n == 40
    assert decide("if_better", vars(comparison), has_champion=True).promote is promotes


def test_a_part_that_was_not_compared_leaves_the_version_without_a_comparison():
    parts = [
        a_part("a", "macro_f1", 0.6, [1], compared("macro_f1", 0.6, 0.5)),
        a_part("b", "f1", 1, [1]),
    ]
    assert join(parts, [], "x").comparison is None


def test_targets_of_a_pipeline_that_could_not_be_trained_are_carried_with_their_reason():
    lost = TargetRow(
        "b", "o", "Image", "image", "choice", [], False, "One class.", "image_similarity"
    )
    found = join([a_part("a", "macro_f1", 0.6, [1])], [lost], "x")
    assert [(t.name, t.trained) for t in found.targets] == [("a", True), ("b", False)]
