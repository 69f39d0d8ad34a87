"""A sentence encoder of transformers: `hf:` and a name on the Hugging Face hub, or a folder.

Its files by the same rules as those of images. Imports no torch.
"""

import importlib.util
from pathlib import Path

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.huggingface_files import OF_TEXTS

_PREFIX = "hf:"
_PACKAGES = ("torch", "transformers")
# Beside the files that every model has: they may change what its tokenizer does.
_MAY_HAVE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
FOLDER_HINT = (
    "A model's folder has config.json, tokenizer.json and model.safetensors, as save_pretrained "
    "writes them."
)


def is_prefixed(encoder: str) -> bool:
    """Whether the option's value names a model of transformers."""
    return encoder.startswith(_PREFIX)


def is_name(encoder: str) -> bool:
    """Whether what follows `hf:` could be a model's name on the hub, or a folder."""
    return is_prefixed(encoder) and huggingface_files.is_name(_name(encoder))


def unavailable(encoder: str) -> TrainingFailed | None:
    """Why it cannot be used here, as far as is known without reading it or asking the hub.

    Codes: vision_missing, encoder_missing.
    """
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            message = f"encoder hf: needs {package}, which is not installed."
            return TrainingFailed("vision_missing", message)
    folder = huggingface_files.local_folder(_name(encoder))
    return None if folder is None else _lacking(folder)


def find(encoder: str) -> Path:
    """Its folder, perhaps downloaded now. Raises TrainingFailed: encoder_missing."""
    name = _name(encoder)
    folder = huggingface_files.local_folder(name)
    if folder is None:
        try:
            folder = huggingface_files.download(name, OF_TEXTS, _MAY_HAVE)
        except Exception as e:  # of the hub's client, of its HTTP client, of the system
            message = f"{name} is not on this machine, and the hub gives none: {first_line(e)}"
            raise _missing(message, huggingface_files.HUB_HINT) from e
    failure = _lacking(folder)
    if failure is not None:
        raise failure
    return folder


def label(encoder: str) -> str:
    """A short plain name of the model, with `hf:`."""
    return _PREFIX + huggingface_files.label(_name(encoder))


def digest(folder: Path) -> str:
    """SHA-256, in hex, of its weights, its tokenizer and its configs.

    Raises TrainingFailed: encoder_missing for a file that cannot be read.
    """
    names = [*OF_TEXTS, *(name for name in _MAY_HAVE if (folder / name).is_file())]
    try:
        return huggingface_files.digest(folder, names)
    except OSError as e:
        raise _missing(f"{folder} cannot be read: {e}") from e


def _name(encoder: str) -> str:
    return encoder.removeprefix(_PREFIX)


def _lacking(folder: Path) -> TrainingFailed | None:
    lacking = huggingface_files.lacking(folder, OF_TEXTS)
    return None if lacking is None else _missing(lacking)


def _missing(message: str, hint: str = FOLDER_HINT) -> TrainingFailed:
    return TrainingFailed("encoder_missing", message, hint=hint)
