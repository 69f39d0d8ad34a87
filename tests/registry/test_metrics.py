"""The direction and the title of each metric."""

import re
from pathlib import Path

import pytest

from registry import metrics
from registry.metrics import Direction, Unit, metric_info, title

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["log_loss", "ece", "mae"])
def test_of_an_error_the_lower_value_is_better(name):
    assert metric_info(name).direction == Direction.LOWER
    assert metric_info(name).gain(0.2, 0.5) == pytest.approx(0.3)
    assert metric_info(name).gain(0.5, 0.2) == pytest.approx(-0.3)


@pytest.mark.parametrize("name", ["macro_f1", "adjusted_rand", "silhouette", "one_of_tomorrow"])
def test_of_a_score_the_higher_value_is_better(name):
    assert metric_info(name).gain(0.5, 0.2) == pytest.approx(0.3)


def test_of_a_count_no_value_is_better():
    assert (metric_info("clusters").gain(9, 3), metric_info("clusters").unit) == (0.0, Unit.COUNT)


@pytest.mark.parametrize(
    ("name", "metric", "k", "words"),
    [
        ("macro_f1", "", 0, "macro F1"),
        ("log_loss", "", 0, "log loss"),
        ("precision_at_k", "precision_at_k", 10, "precision at 10"),
        ("primary", "adjusted_rand", 0, "primary metric (adjusted Rand)"),
        ("primary", "primary", 0, "primary metric (mean over targets)"),
        ("primary", "", 0, "mean over targets"),
        ("one_of_tomorrow", "", 0, "one of tomorrow"),
    ],
)
def test_a_metric_has_a_name_for_people(name, metric, k, words):
    assert title(name, metric, k) == words


def test_every_metric_that_a_pipeline_writes_is_listed():
    """An unlisted error would be taken for a score."""
    sources = [path.read_text() for path in (ROOT / "mlapi").rglob("*.py")]
    written = {name for text in sources for name in re.findall(r'\brow\("([a-z0-9_]+)"', text)}
    assert "macro_f1" in written
    assert written <= set(metrics.METRICS) | metrics.NO_ROW
