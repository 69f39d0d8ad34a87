"""The options of text classification."""

from typing import Any

from mlapi.domain import InvalidOption
from mlapi.inputs.text.input import DEFAULT, NONE
from mlapi.pipelines import options
from mlapi.pipelines.options import Option
from mlapi.texts.encoders import huggingface_model
from mlapi.texts.encoders.model_files import is_folder


def _is_encoder(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value in (DEFAULT, NONE) or is_folder(value) or huggingface_model.is_name(value)


OPTIONS = {
    options.AUTOML_OPTION: options.automl("auto"),
    options.RARE: options.RARE_LABELS,
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
    "encoder": Option(
        DEFAULT,
        _is_encoder,
        "word minilm or none, the path of a folder, or 'hf:<name or path of a model>'",
        title="Sentence encoder",
        help="minilm, none, the path of a folder, or hf:<name or path of a model>.",
    ),
    "encoder_tokens": options.whole(
        64, 16, 256, title="Tokens of the encoder", help="How many it reads at once."
    ),
}


def check_encoder(encoder: str) -> None:
    """Raises InvalidOption for an encoder that isn't available on this machine, with the cure.

    Not for the default one, without which texts are learned all the same.
    """
    from mlapi.texts.encoders.loading import unavailable

    failure = None if encoder in (DEFAULT, NONE) else unavailable(encoder)
    if failure is not None:
        raise InvalidOption(failure.message, hint=failure.hint)
