"""The command-line options that all benchmarks share."""

import pytest

from benchmarks.harness import command_line, report
from mlapi.domain import TrainingFailed


def table(rate: float) -> str:
    return report.table(["measure", "own"], [["rate", f"{rate}"]])


def publish(capsys, *arguments: str, rates=(1.5,)) -> str:
    """The output of a benchmark whose runs each measured one of these rates."""
    parser = command_line.Parser("A benchmark.")
    parser.add_environment()
    left = iter(rates)
    assert parser.publish(lambda _chosen: table(next(left)), arguments) == 0
    return capsys.readouterr().out


def test_the_heading_says_that_it_was_measured_without_the_encoder(capsys):
    assert "; without the sentence encoder.\n" in publish(capsys, "--encoder", "without")


@pytest.mark.parametrize("arguments", [(), ("--encoder", "with")])
def test_the_heading_says_that_it_was_measured_with_the_encoder(capsys, monkeypatch, arguments):
    monkeypatch.setattr(command_line.loading, "unavailable", lambda _encoder: None)
    assert "; with the sentence encoder.\n" in publish(capsys, *arguments)


def test_what_is_not_installed_is_not_measured_with(capsys, monkeypatch):
    missing = TrainingFailed("encoder_missing", "It is not installed.", hint="Install it.")
    monkeypatch.setattr(command_line.loading, "unavailable", lambda _encoder: missing)
    with pytest.raises(SystemExit):
        publish(capsys, "--encoder", "with")
    assert "It is not installed. Install it." in capsys.readouterr().err
    assert "; without the sentence encoder.\n" in publish(capsys)


def test_several_runs_are_one_table_that_says_so(capsys):
    printed = publish(capsys, "--encoder", "without", "--runs", "3", rates=(3.5, 1.5, 2.5))
    assert "the median of 3 whole runs, with the extremes" in printed
    assert "| rate | 2.50 (1.50 to 3.50) |" in printed
