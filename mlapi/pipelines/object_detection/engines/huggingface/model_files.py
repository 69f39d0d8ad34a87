"""The files of a detection model of transformers: a name on the Hugging Face hub, or a folder.

Imports no torch.
"""

import importlib.util
from pathlib import Path

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.huggingface_files import OF_IMAGES

PACKAGES = ("torch", "transformers")


def unavailable(name: str) -> TrainingFailed | None:
    """Why it cannot be used here, as far as is known without reading it or asking the hub.

    Codes: vision_missing, model_missing.
    """
    absent = missing_package()
    if absent is not None:
        message = f"engine hf: needs {absent}, which is not installed."
        return TrainingFailed("vision_missing", message)
    folder = huggingface_files.local_folder(name)
    return None if folder is None else _lacking(folder)


def missing_package() -> str | None:
    """The first of the packages that is not installed; None if none is missing."""
    return next((name for name in PACKAGES if importlib.util.find_spec(name) is None), None)


def find(name: str) -> Path:
    """Its folder, perhaps downloaded now. Raises TrainingFailed with model_missing."""
    folder = huggingface_files.local_folder(name)
    if folder is None:
        try:
            folder = huggingface_files.download(name, OF_IMAGES)
        except Exception as error:  # of the hub's client, of its HTTP client, of the system
            message = f"engine hf: {name} is not on this machine, and the hub gives none: "
            raise TrainingFailed(
                "model_missing", message + first_line(error), hint=huggingface_files.HUB_HINT
            ) from error
    failure = _lacking(folder)
    if failure is not None:
        raise failure
    return folder


def _lacking(folder: Path) -> TrainingFailed | None:
    lacking = huggingface_files.lacking(folder, OF_IMAGES)
    return None if lacking is None else TrainingFailed("model_missing", f"engine hf: {lacking}")
