"""Which engine learns the boxes of a run: the one that is chosen, or the best that is here."""

from typing import TYPE_CHECKING

from mlapi.domain import InvalidOption

if TYPE_CHECKING:  # they import numpy, which a label config is matched without
    from mlapi.pipelines.object_detection.engines.base import Engine

AUTO = "auto"
# What `auto` takes, the first that can be used. An engine whose licence binds who serves its
# predictions is chosen by name only.
_IN_ORDER = ("lite", "patches")


def chosen(name: str) -> "Engine":
    """The engine of that name. Raises InvalidOption, with the reason, if it cannot be used."""
    from mlapi.pipelines.object_detection.engines import ENGINES

    if name == AUTO:
        return _first(ENGINES)
    if name not in ENGINES:
        raise InvalidOption(
            f"There is no engine {name!r}.", hint=f"Known: {', '.join([AUTO, *ENGINES])}."
        )
    missing = ENGINES[name].untrainable()
    if missing is not None:
        raise InvalidOption(f"The engine {name} cannot be used here: {missing}", hint="")
    return ENGINES[name]


def _first(engines: "dict[str, Engine]") -> "Engine":
    reasons = []
    for name in _IN_ORDER:
        if name in engines:
            missing = engines[name].untrainable()
            if missing is None:
                return engines[name]
            reasons.append(f"{name}: {missing}")
    raise InvalidOption(f"No engine can be used here. {' '.join(reasons)}", hint="")
