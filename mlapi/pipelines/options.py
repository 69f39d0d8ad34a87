"""An option of a pipeline: its default and its check."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlapi.domain import InvalidOption, UnknownOption

MAX_TIME_BUDGET_S = 24 * 3600
_MAX_NAME = 500


@dataclass(frozen=True)
class Option:
    """`must_be` ends the sentence "<name> is no ...".

    `of_control`: a control can have a value of its own; else all of the project have one. `title`
    and `help` are for people. `kind` says how it is entered: `text`; `word`, one of `words`;
    `whole` and `number`, from `low` to `high`; `label` and `control`, those of the label config.
    """

    default: Any
    is_valid: Callable[[Any], bool]
    must_be: str
    of_control: bool = False
    title: str = ""
    help: str = ""
    kind: str = "text"
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def one_of(
    default: str, *values: str, of_control: bool = False, title: str = "", help: str = ""
) -> Option:
    """One of a few words."""
    return Option(
        default,
        lambda v: isinstance(v, str) and v in values,
        f"word of {', '.join(values)}",
        of_control,
        title,
        help,
        "word",
        words=values,
    )


def whole(
    default: int | None,
    low: int,
    high: int,
    *,
    of_control: bool = False,
    title: str = "",
    help: str = "",
) -> Option:
    """A whole number from low to high; None only where it is the default."""
    return Option(
        default,
        lambda v: (v is None and default is None) or (is_whole(v) and low <= v <= high),
        f"whole number from {low} to {high}",
        of_control,
        title,
        help,
        "whole",
        low=low,
        high=high,
    )


def _is_time_budget(value: Any) -> bool:
    if value is None:
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 1 <= value <= MAX_TIME_BUDGET_S  # so no NaN, which is in no order


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_name(value: Any) -> bool:
    """Whether it is the name of a control or a label."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


# The name of the option that `automl` makes.
AUTOML_OPTION = "automl"


def automl(default: str) -> Option:
    """Whether EvaDB's AutoML is a candidate."""
    return one_of(
        default,
        "auto",
        "on",
        "off",
        of_control=True,
        title="AutoML",
        help="Whether EvaDB's AutoML challenges a new version: once, always or never.",
    )


# The name of the option `RARE_LABELS`, and what leaves the likeliest label the predicted one.
RARE, AS_LIKELY = "rare_labels", "as_likely"
RARE_LABELS = one_of(
    "balanced",
    "balanced",
    AS_LIKELY,
    of_control=True,
    title="Rare labels",
    help="balanced: of single labels rare ones count more where that raises macro F1. "
    "as_likely: the likeliest label is predicted.",
)
# None: the server's default.
TIME_BUDGET_S = Option(
    None,
    _is_time_budget,
    f"number from 1 to {MAX_TIME_BUDGET_S}",
    title="Time budget, seconds",
    help="Of a training.",
    kind="number",
    low=1,
    high=MAX_TIME_BUDGET_S,
)
SEED = whole(0, 0, 2**32 - 1, title="Seed", help="Of everything random.")


def validate(values: dict[str, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    """The options with defaults filled in.

    Raises UnknownOption or InvalidOption, which name the option.
    """
    if not isinstance(values, dict):
        raise InvalidOption("The options are not an object.")
    unknown = sorted(str(name) for name in set(values) - set(known))
    if unknown:
        raise UnknownOption(
            f"There is no option {unknown[0]!r}.", hint=f"Known: {', '.join(known)}."
        )
    chosen = {name: option.default for name, option in known.items()} | values
    for name, option in known.items():
        if not option.is_valid(chosen[name]):
            raise InvalidOption(f"{name} is no {option.must_be}.")
    return chosen


def agreed(many: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The options of several pipelines, without those that have a default of each one's own."""
    names = dict.fromkeys(name for options in many for name in options)
    found = {name: [options[name] for options in many if name in options] for name in names}
    return {name: first for name, (first, *rest) in found.items() if all(v == first for v in rest)}
