"""The options of object detection."""

from mlapi.pipelines import options
from mlapi.pipelines.object_detection.engine_choice import AUTO, is_engine
from mlapi.pipelines.options import Option, whole

_MAX_SIDE = 640


OPTIONS = {
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "engine": Option(
        AUTO,
        is_engine,
        'name of an engine, nor auto, nor "hf:<name or path of a model>"',
        of_control=True,
        title="Engine of boxes",
        help="auto, the name of one, or hf:<name or path of a model>.",
    ),
    "max_side": whole(
        _MAX_SIDE, 64, 2048, title="Longest side, pixels", help="To which images are scaled."
    ),
}
