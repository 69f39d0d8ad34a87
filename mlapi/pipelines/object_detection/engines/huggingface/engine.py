"""The engine `hf`: a detection model of transformers, which is not trained. Imports no torch."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mlapi.pipelines.object_detection.engines.base import DetectorLoader
from mlapi.pipelines.object_detection.engines.huggingface import loading, model_files

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.huggingface.detector import HuggingFaceDetector


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
        """The model of that name. Raises TrainingFailed as `loading.detector` does."""
        return loading.detector(name)

    def restore(
        self, header: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> "HuggingFaceDetector":
        name, digest = header["name"], header["digest"]
        if arrays or not isinstance(name, str) or not isinstance(digest, str):
            raise ValueError("No detector of hf: it has arrays, no name or no hash.")
        return loading.restored(name, digest)
