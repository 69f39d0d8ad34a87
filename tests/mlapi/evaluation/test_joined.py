"""The results of several pipelines as those of one version."""

from dataclasses import replace

import pytest

from mlapi.evaluation.joined import join
from registry.training_result import MetricRow, OutcomeRow, TargetRow, TrainingResult


def part_result(target, metric, value, tasks, **baselines):
    return TrainingResult(
        recipe=f"recipe of {target}",
        candidates=[],
        targets=[TargetRow(target, "o", "Text", "text", "choice", ["a", "b"])],
        metrics=[
            MetricRow("primary", value, len(tasks)),
            MetricRow(metric, value, len(tasks), target),
            *(MetricRow(name, one, len(tasks), target) for name, one in baselines.items()),
        ],
        outcomes=[OutcomeRow(t, target, "a", 0.9, "a", True, ["a"], ["a"]) for t in tasks],
        environment={"numpy": "2"},
        primary_metric=metric,
        artifact_sha256="of the part",
    )


def primary_of(result):
    (row,) = [row for row in result.metrics if (row.target, row.name) == ("", "primary")]
    return row


def test_the_primary_value_is_the_mean_over_the_targets_of_all_parts():
    parts = [part_result("a", "macro_f1", 0.6, [1, 2]), part_result("b", "macro_f1", 1.0, [2, 3])]
    extra = [
        MetricRow("macro_f1", 0.5, 2, "c"),
        MetricRow("macro_f1", 0.1, 2, "c", split="train"),
        MetricRow("macro_f1", None, 0, "d"),
        *parts[0].metrics,
    ]
    found = join([replace(parts[0], metrics=extra), parts[1]], [], "of all")
    assert found.primary_metric == "macro_f1"
    assert primary_of(found) == MetricRow("primary", pytest.approx((0.6 + 0.5 + 1.0) / 3), 3)
    assert found.artifact_sha256 == "of all"
    assert found.recipe == "recipe of a / recipe of b"
    assert {row.target for row in found.outcomes} == {"a", "b"}


def test_metrics_that_differ_count_as_scores_of_which_higher_is_better():
    found = join(
        [part_result("a", "macro_f1", 0.6, [1]), part_result("b", "mae", 3.0, [1])], [], "x"
    )
    assert found.primary_metric == "primary"
    assert primary_of(found).value == pytest.approx((0.6 + 1 / (1 + 3.0)) / 2)


def test_metrics_that_differ_are_scored_target_by_target_with_their_baselines():
    first = part_result("a", "macro_f1", 0.6, [1], baseline_macro_f1=0.2)
    errors = [MetricRow("mae", value, 1, target) for target, value in (("b", 3.0), ("c", 0.0))]
    second = replace(part_result("b", "mae", 1.5, [1]), metrics=errors)
    found = join([first, second], [], "x")
    assert primary_of(found).value == pytest.approx((0.6 + 1 / 4 + 1.0) / 3)
    (baseline,) = [row for row in found.metrics if row.name == "baseline_primary"]
    assert baseline.value is None, "An error has no baseline."
    third = part_result("d", "adjusted_rand", 0.5, [1], baseline_adjusted_rand=0.0)
    (baseline,) = [
        row for row in join([first, third], [], "x").metrics if row.name == "baseline_primary"
    ]
    assert (baseline.target, baseline.value) == ("", pytest.approx(0.1))


def test_targets_of_a_pipeline_that_could_not_be_trained_are_carried_with_their_reason():
    lost = TargetRow(
        "b", "o", "Image", "image", "choice", [], False, "One class.", "image_similarity"
    )
    found = join([part_result("a", "macro_f1", 0.6, [1])], [lost], "x")
    assert [(t.name, t.trained) for t in found.targets] == [("a", True), ("b", False)]
