"""The promotion rule, clause by clause."""

import pytest

from registry.promotion import CLAUSES, decide, wrong_share

COMPARISON = {"candidate": 0.8, "champion": 0.7, "n": 100, "champion_serves": True}
ERROR_COMPARISON = COMPARISON | {"metric": "mae"}


@pytest.mark.parametrize(
    ("rule", "comparison", "has_champion", "promote", "clause"),
    [
        ("if_at_least_as_good", None, False, True, "no_champion"),
        ("if_at_least_as_good", COMPARISON, True, True, "as_good"),
        ("if_at_least_as_good", COMPARISON | {"candidate": 0.7}, True, True, "as_good"),
        ("if_at_least_as_good", COMPARISON | {"candidate": 0.6999}, True, False, "worse"),
        ("if_at_least_as_good", COMPARISON | {"n": 30, "candidate": 0.6}, True, False, "worse"),
        (
            "if_at_least_as_good",
            COMPARISON | {"n": 29, "candidate": 0.6},
            True,
            True,
            "not_evaluated",
        ),
        (
            "if_at_least_as_good",
            COMPARISON | {"n": 0, "candidate": None},
            True,
            True,
            "not_evaluated",
        ),
        (
            "if_at_least_as_good",
            COMPARISON | {"champion_serves": False, "candidate": 0.1},
            True,
            True,
            "champion_cannot_serve",
        ),
        ("if_at_least_as_good", ERROR_COMPARISON | {"candidate": 0.8}, True, False, "worse"),
        ("if_at_least_as_good", ERROR_COMPARISON | {"candidate": 0.6}, True, True, "as_good"),
        ("if_at_least_as_good", ERROR_COMPARISON | {"candidate": 0.7}, True, True, "as_good"),
        ("if_at_least_as_good", COMPARISON | {"candidate": None}, True, False, "not_compared"),
        ("if_at_least_as_good", {}, True, False, "not_compared"),
        ("if_at_least_as_good", None, True, False, "not_compared"),
        ("always", COMPARISON | {"candidate": 0.1}, True, True, "always"),
        ("always", None, False, True, "no_champion"),
        ("never", COMPARISON, True, False, "never"),
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
        ("if_at_least_as_good", COMPARISON, True, True, "better"),
        ("if_at_least_as_good", COMPARISON | {"candidate": 0.7}, True, False, "not_better"),
        ("always", COMPARISON | {"candidate": 0.7}, True, False, "not_better"),
        ("if_at_least_as_good", COMPARISON | {"n": 29}, True, False, "not_evaluated"),
        ("if_at_least_as_good", COMPARISON | {"candidate": None}, True, False, "not_compared"),
        ("if_at_least_as_good", None, True, False, "not_compared"),
        (
            "if_at_least_as_good",
            COMPARISON | {"champion_serves": False, "candidate": 0.1},
            True,
            True,
            "champion_cannot_serve",
        ),
        ("if_at_least_as_good", ERROR_COMPARISON | {"candidate": 0.6}, True, True, "better"),
        ("if_at_least_as_good", None, False, True, "no_champion"),
        ("never", COMPARISON, True, False, "never"),
    ],
)
def test_a_challenger_is_promoted_only_if_it_is_better(
    rule, comparison, has_champion, promote, clause
):
    decision = decide(rule, comparison, has_champion, is_challenger=True)
    assert (decision.promote, decision.clause) == (promote, clause)
    assert decision.reason == CLAUSES[clause]


CLEAR = COMPARISON | {"interval": [0.01, 0.2]}


@pytest.mark.parametrize(
    ("comparison", "promote", "clause"),
    [
        (CLEAR, True, "clearly_better"),
        (CLEAR | {"interval": [0.0, 0.2]}, False, "not_clear"),
        (CLEAR | {"interval": [-0.01, 0.2]}, False, "not_clear"),
        (CLEAR | {"interval": None}, False, "not_clear"),
        (CLEAR | {"n": 29}, False, "too_few"),
        (ERROR_COMPARISON | {"interval": [-0.2, -0.1]}, True, "clearly_better"),
        (ERROR_COMPARISON | {"interval": [0.1, 0.2]}, False, "not_clear"),
        (CLEAR | {"champion_serves": False}, True, "champion_cannot_serve"),
        (None, False, "not_compared"),
    ],
)
@pytest.mark.parametrize("is_challenger", [False, True])
def test_clearly_better_is_an_interval_above_zero(comparison, promote, clause, is_challenger):
    decision = decide(
        "if_clearly_better", comparison, has_champion=True, is_challenger=is_challenger
    )
    assert (decision.promote, decision.clause) == (promote, clause)
    assert decision.reason == CLAUSES[clause]


def test_the_rule_errs_more_often_the_wider_the_interval_is():
    def share(interval, rule="if_at_least_as_good", **more):
        return wrong_share(rule, {"metric": "macro_f1", "n": 60, "interval": interval} | more)

    assert share([-0.12, 0.12]) == pytest.approx(0.312, abs=1e-3)
    assert share([-0.02, 0.02]) < 0.01
    assert share([-0.12, 0.12], "if_clearly_better") == pytest.approx(0.007, abs=1e-3)
    # Nothing is known of it, or the difference does not decide.
    assert share([0, 0]) is None
    assert share(None) is None
    assert share([-0.12, 0.12], n=29) is None
    assert share([-12, 12], metric="mae") is None
    assert share([-0.12, 0.12], "always") is None
