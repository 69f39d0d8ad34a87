"""What a project can set."""

import pytest

from mlapi import pipelines
from registry.errors import EvalsError

validate = pipelines.get("text_classification").validate_options


def test_nothing_set_is_the_defaults():
    assert validate({}) == {"automl": "auto", "time_budget_s": None, "seed": 0}


def test_what_is_set_stays():
    assert validate({"automl": "off", "time_budget_s": 30, "seed": 7}) == {
        "automl": "off",
        "time_budget_s": 30,
        "seed": 7,
    }


def test_an_unknown_option_is_named():
    with pytest.raises(EvalsError, match="'autom1'") as refused:
        validate({"autom1": "on"})

    assert refused.value.code == "option_unknown"
    assert refused.value.status == 400
    assert "automl" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("automl", "yes"),
        ("automl", None),
        ("automl", ["on"]),
        ("time_budget_s", 0),
        ("time_budget_s", "60"),
        ("time_budget_s", True),
        ("time_budget_s", float("nan")),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", None),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(EvalsError, match=name) as refused:
        validate({name: value})

    assert refused.value.code == "option_invalid"
