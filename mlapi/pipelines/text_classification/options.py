"""What a project can set for text classification."""

import math
from typing import Any

from mlapi.pipelines.base import InvalidOption, UnknownOption

DEFAULTS: dict[str, Any] = {"automl": "auto", "time_budget_s": None, "seed": 0}
AUTOML = ("auto", "on", "off")
MAX_TIME_BUDGET_S = 24 * 3600


def validate(options: dict[str, Any]) -> dict[str, Any]:
    """The options with defaults filled in; `time_budget_s` None means the server's default.

    Raises UnknownOption or InvalidOption, which name the option.
    """
    if not isinstance(options, dict):
        raise InvalidOption("The options are not an object.")
    unknown = sorted(str(name) for name in set(options) - set(DEFAULTS))
    if unknown:
        raise UnknownOption(
            f"There is no option {unknown[0]!r}.",
            hint=f"Known: {', '.join(DEFAULTS)}.",
        )
    chosen = {**DEFAULTS, **options}
    if chosen["automl"] not in AUTOML:
        raise InvalidOption("automl is none of " + ", ".join(AUTOML) + ".")
    budget = chosen["time_budget_s"]
    if budget is not None and not (_is_number(budget) and 1 <= budget <= MAX_TIME_BUDGET_S):
        raise InvalidOption(f"time_budget_s is no number from 1 to {MAX_TIME_BUDGET_S}.")
    seed = chosen["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise InvalidOption("seed is no whole number from 0 to 4294967295.")
    return chosen


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
