"""Loads a detection model of transformers, once in a process. Imports no torch before."""

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.huggingface_files import OF_IMAGES
from mlapi.pipelines.object_detection.engines.huggingface import model_files

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.huggingface.detector import HuggingFaceDetector

_lock = threading.Lock()
# By name and state of the files: versions that have the same model share it.
_loaded: "WeakValueDictionary[Any, HuggingFaceDetector]" = WeakValueDictionary()


def detector(name: str) -> "HuggingFaceDetector":
    """The model of that name as it is today, loaded for as long as anyone holds it.

    Raises TrainingFailed: vision_missing, model_missing (not here, nor on the hub), model_broken
    (its files are no model that finds objects).
    """
    failure = model_files.unavailable(name)
    if failure is not None:
        raise failure
    with _lock:
        folder = model_files.find(name)
        key = (name, huggingface_files.stamp(folder, OF_IMAGES))
        found = _loaded.get(key)
        if found is None:
            found = _loaded[key] = _imported().load(folder, name)
        return found


def restored(name: str, digest: str) -> "HuggingFaceDetector":
    """The model that a version was made with.

    Raises TrainingFailed: as `detector`, and with extractor_changed where its files are others.
    """
    found = detector(name)
    if found.digest != digest:
        raise TrainingFailed(
            "extractor_changed",
            f"The files of hf:{name} have the hash {found.digest[:12]} today, and had "
            f"{digest[:12]} when the version was made.",
        )
    return found


def _imported() -> Any:
    try:
        from mlapi.pipelines.object_detection.engines.huggingface import detector
    except Exception as error:  # a broken torch raises ImportError, OSError, RuntimeError
        message = f"torch and transformers do not import: {first_line(error)}"
        raise TrainingFailed("vision_missing", message) from error
    return detector
