"""The options that every pipeline of images has."""

from typing import Any

from mlapi.domain import InvalidOption
from mlapi.pipelines import options
from mlapi.pipelines.options import Option


def _is_features(value: Any) -> bool:
    return isinstance(value, str) and (value == "opencv" or value.startswith("hf:"))


SHARED = {
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "features": Option(
        "opencv",
        _is_features,
        'word opencv or "hf:<name or path of a model>"',
        title="Features of images",
        help="opencv, or hf:<name or path of a model>.",
    ),
}


def check_features(features: str) -> None:
    """Raises InvalidOption for features that are not available on this machine, with the cure."""
    from mlapi.images.extractors import loading

    error = loading.check(features)
    if error is not None:
        raise InvalidOption(error.message, hint=error.hint)
