"""The options of a project."""

import pytest

from mlapi import pipelines
from registry.errors import EvalsError

validate = pipelines.get("text_classification").validate_options


DEFAULTS = {
    "automl": "auto",
    "rare_labels": "balanced",
    "time_budget_s": None,
    "seed": 0,
    "encoder": "minilm",
    "encoder_tokens": 64,
}


def test_nothing_set_is_the_defaults():
    assert validate({}) == DEFAULTS


def test_options_that_are_set_stay():
    chosen = {"automl": "off", "time_budget_s": 30, "seed": 7, "encoder": "none"}
    assert validate(chosen) == {**DEFAULTS, **chosen}


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
        ("time_budget_s", 10**400),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", None),
        ("rare_labels", "always"),
        ("rare_labels", True),
        ("encoder", "bert"),
        ("encoder_tokens", 1_000),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(EvalsError, match=name) as refused:
        validate({name: value})

    assert refused.value.code == "option_invalid"
