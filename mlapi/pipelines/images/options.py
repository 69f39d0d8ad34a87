"""The options of a project of images, whichever pipeline serves it."""

from collections.abc import Mapping
from typing import Any

from mlapi.domain import InvalidOption
from mlapi.pipelines import options
from mlapi.pipelines.options import Option

MOST_NEIGHBOURS = 1_000
MOST_CLUSTERS = 200


def _is_features(value: Any) -> bool:
    return isinstance(value, str) and (value == "opencv" or value.startswith("hf:"))


def _is_label(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"control", "label"} and all(map(_is_name, value.values()))
    return value is None or _is_name(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 500


KNOWN = {
    "automl": options.one_of("off", "auto", "on", "off"),
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "features": Option("opencv", _is_features, 'word opencv or "hf:<name or path of a model>"'),
    "similar_to": Option(
        None, _is_label, 'label of Choices on Image, or {"control": ..., "label": ...}'
    ),
    "k": options.whole(10, 1, MOST_NEIGHBOURS),
    "cluster": Option(None, lambda v: v is None or _is_name(v), "name of a control on Image"),
    "clusters": options.whole(None, 2, MOST_CLUSTERS),
}


def validate(values: dict[str, Any]) -> dict[str, Any]:
    """The options with defaults filled in.

    Raises UnknownOption or InvalidOption, which name the option; also for features that are
    not available on this machine, with the command that installs them.
    """
    from mlapi.images.extractors import loading

    chosen = options.validate(values, KNOWN)
    if chosen["similar_to"] and chosen["cluster"]:
        raise InvalidOption(
            "similar_to and cluster are both set.", hint="Set one of them, the other to null."
        )
    error = loading.check(chosen["features"])
    if error is not None:
        raise InvalidOption(error.message, hint=error.hint)
    return chosen


def similar_to(chosen: Mapping[str, Any]) -> tuple[str, str] | None:
    """Control ("" where it is not named) and label of the option; None where it is not set."""
    value = chosen.get("similar_to")
    if isinstance(value, dict) and _is_label(value):
        return value["control"], value["label"]
    return ("", value) if _is_name(value) else None
