"""Result, learning curve and error: what a child leaves is what its parent reads."""

import json
import subprocess
import sys

import pytest

from mlapi.run_folder import result as results
from mlapi.run_folder.json_file import RunFileInvalid
from mlapi.run_folder.result import RunError
from registry.training_result import (
    CandidateRow,
    Comparison,
    ExemplarRow,
    LearningCurve,
    MetricRow,
    OutcomeRow,
    TargetComparison,
    TargetRow,
    TrainingResult,
)

RESULT = TrainingResult(
    recipe="words",
    candidates=[
        CandidateRow("topic", "words", 0.5, "macro_f1", 0.25, 9, "", True),
        CandidateRow("topic", "automl", None, "macro_f1", 0.0, 0, "Left out.", False),
    ],
    targets=[
        TargetRow("topic", "t", "Text", "text", "choice", ["a", "😀"]),
        TargetRow("tags", "t", "Text", "text", "choices", [], False, "No labels."),
    ],
    metrics=[
        MetricRow("accuracy", 1.0, 9, target="topic"),
        MetricRow("recall", None, 0, target="topic", label="a", step=3),
    ],
    outcomes=[
        OutcomeRow(4, "topic", "a", 0.75, "b", False, ["b"], ["a"]),
        OutcomeRow(5, "tags", ["a", "b"], 0.5, [], False, [], ["a", "b"]),
        OutcomeRow(6, "topic", None, None, "b", False, ["b"], None),
    ],
    comparison=Comparison(
        metric="macro_f1",
        candidate=0.5,
        champion=None,
        difference=None,
        interval=None,
        n=9,
        excluded=1,
        champion_serves=True,
        targets={"topic": TargetComparison("macro_f1", 0.5, 0.25, 0.25, [0.0, 0.5], 9, 1)},
    ),
    environment={"python": "3.11"},
    primary_metric="macro_f1",
    artifact_sha256="0" * 64,
    extractor="opencv-1",
    exemplars=[ExemplarRow("topic", "a", 4, 0.5)],
)


def change(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_result_is_read_as_it_was_written(tmp_path):
    results.write_result(tmp_path, RESULT)

    assert results.read_result(tmp_path) == RESULT
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_curve_and_an_error_are_read_as_they_were_written(tmp_path):
    curve = LearningCurve([MetricRow("learning_curve", 0.5, 9, target="topic", step=40)])
    error = RunError("one_class", 'All labels are "the same".', "Label more.")

    results.write_curve(tmp_path, curve)
    results.write_error(tmp_path, error)

    assert results.read_curve(tmp_path) == curve
    assert results.read_error(tmp_path) == error


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda c: c.pop("primary_metric"), "result.json lacks the field 'primary_metric'"),
        (lambda c: c.update(nonsense=1), "result.json has an unknown field 'nonsense'"),
        (lambda c: c["metrics"][1].pop("n"), "metrics[1] lacks the field 'n'"),
        (lambda c: c["metrics"][0].update(value="1"), "metrics[0]: value is no float"),
        (lambda c: c["outcomes"][2].update(task=None), "outcomes[2]: task is no int"),
        (lambda c: c["outcomes"][0].update(correct=1), "outcomes[0]: correct is no bool"),
        (lambda c: c["comparison"].pop("champion_serves"), "lacks the field 'champion_serves'"),
        (lambda c: c["comparison"]["targets"].update(x=3), "targets.x is no object"),
    ],
)
def test_a_result_of_another_shape_is_refused_and_named(tmp_path, wrong, reason):
    results.write_result(tmp_path, RESULT)
    change(tmp_path / "result.json", wrong)

    with pytest.raises(RunFileInvalid) as refused:
        results.read_result(tmp_path)

    assert reason in refused.value.message
    assert refused.value.code == "run_file_invalid"


def test_a_metric_that_is_no_number_is_not_written(tmp_path):
    endless = LearningCurve([MetricRow("learning_curve", float("nan"), 9)])

    with pytest.raises(ValueError, match="JSON"):
        results.write_curve(tmp_path, endless)

    assert not (tmp_path / "curve.json").exists()


def test_the_folder_is_read_and_written_without_django():
    """The child has no database, and need not wait for Django to be imported."""
    modules = "mlapi.run_folder.job, mlapi.run_folder.result, registry.training_result"
    program = f"import sys, {modules}; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
