"""Several whole runs of a benchmark as one table."""

from benchmarks.harness import report, runs

HEAD = ["measure", "own", "other", "ratio", "ratio of the rounds"]


def of(*rows: list[str]) -> str:
    return f"400 texts:\n\n{report.table(HEAD, rows)}\n"


def test_a_cell_is_the_median_of_the_runs_with_the_extremes():
    found = runs.merged(
        [
            of(["rate", "1,200 (900 to 1,500)", "100", "12.0", "9.00 to 15.0"]),
            of(["rate", "1,000", "110 (90 to 120)", "9.10", "8.50 to 9.90"]),
            of(["rate", "1,100", "90", "12.2", ""]),
        ]
    )
    row = "| rate | 1,100 (1,000 to 1,200) | 100 (90 to 110) | 12 (9.10 to 12.2) | 8.50 to 15 |"
    assert found.splitlines()[-2:] == [row, ""]


def test_text_that_all_runs_have_in_common_is_written_once():
    one = of(["processes", "7", "3", "2.33", ""], ["errors", "0", "", "", ""])
    assert runs.merged([one, one]) == one


def test_a_row_that_a_run_lacks_is_that_of_the_others():
    a, b = ["a", "1", "1", "1", ""], ["b", "3", "1", "3", ""]
    assert runs.merged([of(a), of(b)]) == of(a, b)


def test_percentages_are_merged_and_different_texts_are_listed():
    head = ["limit", "reached", "applied"]
    tables = [
        report.table(head, [["wsgi", share, applied]])
        for share, applied in (("252% (239% to 295%)", "99 in 10 s"), ("240%", "98 in 10 s"))
    ]
    assert runs.merged(tables).splitlines()[-1] == (
        "| wsgi | 246% (240% to 252%) | 99 in 10 s; 98 in 10 s |"
    )


def test_equal_rows_of_different_tables_are_not_merged():
    two = of(["rate", "1", "1", "1", ""]) + of(["rate", "3", "1", "3", ""])
    assert runs.merged([two, two]) == two
