"""Loads the extractor that a project's option `features` names, or says why it cannot be used."""

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import numpy as np

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.huggingface_files import OF_IMAGES
from mlapi.images.extractors.opencv import OpenCVFeatures
from mlapi.images.features import ExtractorRef

if TYPE_CHECKING:
    from mlapi.images.extractors.huggingface import HuggingFaceFeatures


class Extractor(Protocol):
    """Makes images vectors. Shared by all threads of a process."""

    @property
    def name(self) -> str:
        """With its version: equal names, equal features. At most 255 characters."""

    @property
    def size(self) -> int:
        """Dimensions of a vector."""

    @property
    def max_side(self) -> int:
        """Pixels of an image's longer side to which it is shrunk before."""

    @property
    def nbytes(self) -> int:
        """What it holds in memory."""

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n, size) float32, rows of unit length, for RGB images (h, w, 3) of uint8.

        Images may be of any size from 1x1; a row depends on its own image alone. Raises
        ValueError for an array that is no such image.
        """


_opencv = OpenCVFeatures()
_lock = threading.Lock()
# A model is shared for as long as anyone holds it. EvaDB makes its functions anew for each
# statement and drops them after it, so the one used last is held here too.
_models: WeakValueDictionary[Any, "HuggingFaceFeatures"] = WeakValueDictionary()
_latest: list["HuggingFaceFeatures"] = []


def check(features: Any) -> TrainingFailed | None:
    """Why that value cannot be used on this machine, as far as is known without loading it.

    Codes: option_invalid, vision_missing, model_missing. Imports no torch, asks no network.
    """
    if features == "opencv":
        return None
    if not isinstance(features, str) or not features.startswith("hf:"):
        return _invalid("features is neither opencv nor hf:NAME.")
    name = features.removeprefix("hf:")
    if not huggingface_files.is_name(name):
        return _invalid("features hf: is not followed by a model's name or a folder.")
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            message = f"features hf: needs {package}, which is not installed."
            return TrainingFailed("vision_missing", message)
    folder = huggingface_files.local_folder(name)
    lacking = huggingface_files.lacking(folder, OF_IMAGES) if folder is not None else None
    return _missing(lacking) if lacking is not None else None


def extractor(features: str) -> Extractor:
    """The extractor that the option names; a model is loaded once in a process.

    Raises TrainingFailed with option_invalid, vision_missing, model_missing (not here, nor on the
    hub) or model_broken (its files are no model of images).
    """
    error = check(features)
    if error is not None:
        raise error
    if features == "opencv":
        return _opencv
    with _lock:
        name = features.removeprefix("hf:")
        folder = huggingface_files.local_folder(name)
        key = (name, huggingface_files.stamp(folder, OF_IMAGES) if folder is not None else None)
        model = _models.get(key)
        if model is None:
            model = _models[key] = _load(name, folder)
        _latest[:] = [model]
        return model


def extractor_for(ref: ExtractorRef) -> Extractor:
    """The extractor that earlier vectors were made by.

    Raises TrainingFailed: as `extractor`, and with extractor_changed where its option loads
    another one today.
    """
    found = extractor(ref.features)
    if found.name != ref.name:
        raise TrainingFailed(
            "extractor_changed",
            f"The features are {found.name} today, and were {ref.name}.",
        )
    return found


def _load(name: str, folder: Path | None) -> "HuggingFaceFeatures":
    try:
        from mlapi.images.extractors.huggingface import load
    except Exception as e:  # a broken torch raises ImportError, OSError, RuntimeError
        message = f"torch and transformers do not import: {first_line(e)}"
        raise TrainingFailed("vision_missing", message) from e
    return load(folder if folder is not None else _downloaded(name), huggingface_files.label(name))


def _downloaded(name: str) -> Path:
    try:
        folder = huggingface_files.download(name, OF_IMAGES)
    except Exception as e:  # of the hub's client, of its HTTP client, of the system
        message = f"{name} is not on this machine, and the hub gives none: {first_line(e)}"
        raise _missing(message, hint=huggingface_files.HUB_HINT) from e
    lacking = huggingface_files.lacking(folder, OF_IMAGES)
    if lacking is not None:
        raise _missing(lacking)
    return folder


def _invalid(message: str) -> TrainingFailed:
    hint = "Say opencv, or hf: and a model's name or folder."
    return TrainingFailed("option_invalid", message, hint=hint)


def _missing(message: str, *, hint: str | None = None) -> TrainingFailed:
    return TrainingFailed("model_missing", f"features hf: {message}", hint=hint)
