"""The options of object detection."""

from typing import Any

from mlapi.pipelines import options
from mlapi.pipelines.object_detection.engine_choice import AUTO
from mlapi.pipelines.options import Option, is_name, whole

_MAX_SIDE = 640


def _is_engine(value: Any) -> bool:
    return is_name(value)


OPTIONS = {
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "engine": Option(
        AUTO,
        _is_engine,
        "name of an engine, nor auto",
        of_control=True,
        title="Engine of boxes",
        help="auto, or the name of one.",
    ),
    "max_side": whole(
        _MAX_SIDE, 64, 2048, title="Longest side, pixels", help="To which images are scaled."
    ),
}
