"""The phases into which the benchmark of training splits the time, and its table."""

from datetime import UTC, datetime, timedelta

from benchmarks import training

STARTED_AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return STARTED_AT + timedelta(seconds=seconds)


def run(*phases: tuple[str, float]) -> dict:
    return {
        "created_at": after(6),
        "started_at": after(6.5),
        "ended_at": after(20),
        "phases": [{"name": name, "seconds": seconds} for name, seconds in phases],
        "statements": [{"seconds": 1.5}, {"seconds": None}, {}],
    }


def test_the_parts_of_a_training_add_up_to_the_whole():
    found = training.parts(
        run(("training", 4.0), ("fitting", 2.0), ("fitting", 3.0), ("verifying", 4.0)),
        STARTED_AT.timestamp(),
        after(20.25).timestamp(),
    )
    assert found[training.TOTAL] == 20.25
    assert found[training.QUEUED] == 6
    assert found[training.WAKE_UP] == 0.5
    assert found["phase: fitting, s"] == 5  # entered twice
    assert found[training.REST] == 0.5
    assert found[training.ANSWER] == 0.25
    assert found[training.STATEMENTS] == 1.5
    assert found[training.PREPARATION] == 4
    assert found[training.FITTING] == 5
    inside = (training.TOTAL, training.STATEMENTS, training.PREPARATION, training.FITTING)
    assert sum(v for row, v in found.items() if row not in inside) == found[training.TOTAL]


def test_a_table_has_the_phases_of_all_trainings_and_its_fixed_rows_last():
    first = training.Training({training.TOTAL: 9.0, "phase: a, s": 1.0, training.ANSWER: 0.001})
    later = training.Training({training.TOTAL: 5.0, "phase: b, s": 2.0, training.ANSWER: 0.5})
    rows = training.table({"first": [first], "later": [later]}).splitlines()[2:]
    assert rows == [
        f"| {training.TOTAL} | 9 | 5 |",
        "| phase: a, s | 1 |  |",
        "| phase: b, s |  | 2 |",
        f"| {training.ANSWER} | 0 | 0.500 |",
    ]
