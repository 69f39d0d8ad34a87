"""The options of object detection."""

from mlapi.pipelines import options
from mlapi.pipelines.object_detection.engine_choice import AUTO
from mlapi.pipelines.options import Option, is_name, whole

_MAX_SIDE = 640


OPTIONS = {
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "engine": Option(
        AUTO,
        is_name,
        "name of an engine, nor auto",
        of_control=True,
        title="Engine of boxes",
        help="auto, or the name of one.",
    ),
    "max_side": whole(
        _MAX_SIDE, 64, 2048, title="Longest side, pixels", help="To which images are scaled."
    ),
}
