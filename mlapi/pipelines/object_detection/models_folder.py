"""The operator's folder of models, of which a label config may name one (`model_path`)."""

from pathlib import Path, PurePosixPath

from mlapi import operator_settings
from mlapi.domain import TrainingFailed

SETTING = "MODELS_DIR"
_SUFFIXES = (".onnx", ".safetensors")


def allows(name: str) -> bool:
    """Whether there is such a folder, and the name can be that of a model in it."""
    path = PurePosixPath(name)
    is_inside = not path.is_absolute() and ".." not in path.parts
    return bool(operator_settings.of(SETTING)) and is_inside and path.suffix in _SUFFIXES


def path(name: str) -> Path:
    """The file. Raises TrainingFailed with model_file_invalid if there is none in the folder."""
    folder = Path(operator_settings.of(SETTING)).resolve()
    found = (folder / name).resolve()
    if not (allows(name) and found.is_relative_to(folder) and found.is_file()):
        raise TrainingFailed("model_file_invalid", f"The folder of models has no file {name}.")
    return found
