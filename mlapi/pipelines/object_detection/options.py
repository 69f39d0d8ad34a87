"""The options of object detection, and the engine that is chosen by one of them."""

from typing import TYPE_CHECKING, Any

from mlapi import huggingface_files
from mlapi.domain import InvalidOption
from mlapi.pipelines import options
from mlapi.pipelines.options import Option, is_name, whole

if TYPE_CHECKING:  # they import numpy, which a label config is matched without
    from mlapi.pipelines.object_detection.engines.base import Engine

AUTO = "auto"
# What `auto` takes, the first that can be used. An engine whose licence binds who serves its
# predictions is chosen by name only.
_AUTO_ORDER = ("lite", "patches")
_HUGGING_FACE = "hf:"
_MAX_SIDE = 640


def hugging_face_model(engine: str) -> str:
    """The name or folder of the model of transformers that the option names; "" if it names none.

    Such a model is not trained: it predicts before anybody has labelled.
    """
    return engine.removeprefix(_HUGGING_FACE) if engine.startswith(_HUGGING_FACE) else ""


def _is_engine(value: Any) -> bool:
    """Whether the option `engine` could have this value, on any machine."""
    if not is_name(value):
        return False
    if not value.startswith(_HUGGING_FACE):
        return True
    return huggingface_files.is_name(hugging_face_model(value))


OPTIONS = {
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "engine": Option(
        AUTO,
        _is_engine,
        'name of an engine, nor auto, nor "hf:<name or path of a model>"',
        of_control=True,
        title="Engine of boxes",
        help="auto, the name of one, or hf:<name or path of a model>.",
    ),
    "max_side": whole(
        _MAX_SIDE, 64, 2048, title="Longest side, pixels", help="To which images are scaled."
    ),
}


def check_engine(engine: str) -> None:
    """Raises InvalidOption, with the reason, for an engine that cannot be used here."""
    model = hugging_face_model(engine)
    if not model:
        chosen_engine(engine)
        return
    from mlapi.pipelines.object_detection.engines.huggingface import model_files

    failure = model_files.unavailable(model)
    if failure is not None:
        raise InvalidOption(failure.message, hint=failure.hint)


def chosen_engine(name: str) -> "Engine":
    """The engine of that name. Raises InvalidOption, with the reason, if it cannot be used."""
    from mlapi.pipelines.object_detection.engines import ENGINES, learning_engines

    engines = learning_engines()
    if name == AUTO:
        return _first_usable(engines)
    if name not in ENGINES:
        raise InvalidOption(
            f"There is no engine {name!r}.",
            hint=f"Known: {', '.join([AUTO, *engines])}, or hf:<name or path of a model>.",
        )
    failure = engines[name].untrainable() if name in engines else ENGINES[name].not_trained
    if failure is not None:
        raise InvalidOption(f"The engine {name} cannot be used here: {failure}", hint="")
    return engines[name]


def _first_usable(engines: "dict[str, Engine]") -> "Engine":
    reasons = []
    for name in _AUTO_ORDER:
        if name in engines:
            missing = engines[name].untrainable()
            if missing is None:
                return engines[name]
            reasons.append(f"{name}: {missing}")
    raise InvalidOption(f"No engine can be used here. {' '.join(reasons)}", hint="")
