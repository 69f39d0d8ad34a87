"""The promotion rule, clause by clause."""

import pytest

from registry.promotion import CLAUSES, decide

JUDGED = {"candidate": 0.8, "champion": 0.7, "n": 100, "champion_serves": True}
ERRORS = JUDGED | {"metric": "mae"}


@pytest.mark.parametrize(
    ("rule", "comparison", "has_champion", "promote", "clause"),
    [
        ("if_better", None, False, True, "no_champion"),
        ("if_better", JUDGED, True, True, "as_good"),
        ("if_better", JUDGED | {"candidate": 0.7}, True, True, "as_good"),
        ("if_better", JUDGED | {"candidate": 0.6999}, True, False, "worse"),
        ("if_better", JUDGED | {"n": 30, "candidate": 0.6}, True, False, "worse"),
        ("if_better", JUDGED | {"n": 29, "candidate": 0.6}, True, True, "not_judged"),
        ("if_better", JUDGED | {"n": 0, "candidate": None}, True, True, "not_judged"),
        (
            "if_better",
            JUDGED | {"champion_serves": False, "candidate": 0.1},
            True,
            True,
            "champion_cannot_serve",
        ),
        ("if_better", ERRORS | {"candidate": 0.8}, True, False, "worse"),
        ("if_better", ERRORS | {"candidate": 0.6}, True, True, "as_good"),
        ("if_better", ERRORS | {"candidate": 0.7}, True, True, "as_good"),
        ("if_better", JUDGED | {"candidate": None}, True, False, "not_compared"),
        ("if_better", {}, True, False, "not_compared"),
        ("if_better", None, True, False, "not_compared"),
        ("always", JUDGED | {"candidate": 0.1}, True, True, "always"),
        ("always", None, False, True, "no_champion"),
        ("never", JUDGED, True, False, "never"),
        ("never", None, False, False, "never"),
    ],
)
def test_the_rule(rule, comparison, has_champion, promote, clause):
    decision = decide(rule, comparison, has_champion)
    assert (decision.promote, decision.clause) == (promote, clause)
    assert decision.reason == CLAUSES[clause]
