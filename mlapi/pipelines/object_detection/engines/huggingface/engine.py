"""The engine `hf`: detection models of transformers, which are not trained.

Each is loaded once in a process. Imports no torch before one is.
"""

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.huggingface_files import OF_IMAGES
from mlapi.pipelines.object_detection.engines.base import DetectorLoader
from mlapi.pipelines.object_detection.engines.huggingface import model_files

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.huggingface.detector import HuggingFaceDetector

_lock = threading.Lock()
# By name and state of the files: versions that have the same model share it.
_loaded: "WeakValueDictionary[Any, HuggingFaceDetector]" = WeakValueDictionary()


class HuggingFace(DetectorLoader):
    """See `base.DetectorLoader`. No export has it, which would need the model's files beside it."""

    name = "hf"
    needs = model_files.PACKAGES
    not_trained = "a model of transformers is not trained. Name one: hf:<name or folder>."

    def missing(self) -> str | None:
        absent = model_files.missing_package()
        if absent is None:
            return None
        return f"The package {absent} is not installed. Install requirements-vision.txt."

    def read(self, name: str) -> "HuggingFaceDetector":
        """The model of that name as it is today, loaded for as long as anyone holds it.

        Raises TrainingFailed: vision_missing, model_missing (not here, nor on the hub),
        model_broken (its files are no model that finds objects).
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

    def restore(
        self, header: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> "HuggingFaceDetector":
        """The model that a version was made with.

        Raises ValueError for what another engine has learned, and TrainingFailed: as `read`, and
        with extractor_changed where the model's files are others today.
        """
        name, digest = header["name"], header["digest"]
        if arrays or not isinstance(name, str) or not isinstance(digest, str):
            raise ValueError("No detector of hf: it has arrays, no name or no hash.")
        found = self.read(name)
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
