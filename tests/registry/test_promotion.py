"""The promotion rule, clause by clause."""

import pytest

from registry.promotion import CLAUSES, decide

COMPARED = {"candidate": 0.8, "champion": 0.7, "n": 100, "champion_serves": True}
ERRORS = COMPARED | {"metric": "mae"}


@pytest.mark.parametrize(
    ("rule", "comparison", "has_champion", "promote", "clause"),
    [
        ("if_better", None, False, True, "no_champion"),
        ("if_better", COMPARED, True, True, "as_good"),
        ("if_better", COMPARED | {"candidate": 0.7}, True, True, "as_good"),
        ("if_better", COMPARED | {"candidate": 0.6999}, True, False, "worse"),
        ("if_better", COMPARED | {"n": 30, "candidate": 0.6}, True, False, "worse"),
        ("if_better", COMPARED | {"n": 29, "candidate": 0.6}, True, True, "not_evaluated"),
        ("if_better", COMPARED | {"n": 0, "candidate": None}, True, True, "not_evaluated"),
        (
            "if_better",
            COMPARED | {"champion_serves": False, "candidate": 0.1},
            True,
            True,
            "champion_cannot_serve",
        ),
        ("if_better", ERRORS | {"candidate": 0.8}, True, False, "worse"),
        ("if_better", ERRORS | {"candidate": 0.6}, True, True, "as_good"),
        ("if_better", ERRORS | {"candidate": 0.7}, True, True, "as_good"),
        ("if_better", COMPARED | {"candidate": None}, True, False, "not_compared"),
        ("if_better", {}, True, False, "not_compared"),
        ("if_better", None, True, False, "not_compared"),
        ("always", COMPARED | {"candidate": 0.1}, True, True, "always"),
        ("always", None, False, True, "no_champion"),
        ("never", COMPARED, True, False, "never"),
        ("never", None, False, False, "never"),
    ],
)
def test_the_rule(rule, comparison, has_champion, promote, clause):
    decision = decide(rule, comparison, has_champion)
    assert (decision.promote, decision.clause) == (promote, clause)
    assert decision.reason == CLAUSES[clause]


@pytest.mark.parametrize(
    ("rule", "comparison", "has_champion", "promote", "clause"),
    [
        ("if_better", COMPARED, True, True, "better"),
        ("if_better", COMPARED | {"candidate": 0.7}, True, False, "not_better"),
        ("always", COMPARED | {"candidate": 0.7}, True, False, "not_better"),
        ("if_better", COMPARED | {"n": 29}, True, False, "not_evaluated"),
        ("if_better", COMPARED | {"candidate": None}, True, False, "not_compared"),
        ("if_better", None, True, False, "not_compared"),
        (
            "if_better",
            COMPARED | {"champion_serves": False, "candidate": 0.1},
            True,
            True,
            "champion_cannot_serve",
        ),
        ("if_better", ERRORS | {"candidate": 0.6}, True, True, "better"),
        ("if_better", None, False, True, "no_champion"),
        ("never", COMPARED, True, False, "never"),
    ],
)
def test_a_challenger_is_promoted_only_if_it_is_better(
    rule, comparison, has_champion, promote, clause
):
    decision = decide(rule, comparison, has_champion, is_challenger=True)
    assert (decision.promote, decision.clause) == (promote, clause)
    assert decision.reason == CLAUSES[clause]
