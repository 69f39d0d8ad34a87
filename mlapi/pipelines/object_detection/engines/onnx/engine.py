"""The engine `onnx`: the network of a file that `model_path` names. It is not trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlapi.pipelines.object_detection.engines.base import DetectorLoader

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.onnx.detector import OnnxDetector

_MOST_BYTES = 500_000_000


class Onnx(DetectorLoader):
    """See `base.DetectorLoader`."""

    name = "onnx"
    module = "mlapi.pipelines.object_detection.engines.onnx.detector"
    not_trained = "an ONNX file is not trained. Name it by model_path in the label config."

    def read(self, path: Path) -> "OnnxDetector":
        """The network of a file. Raises OSError, or ValueError for a file of another kind."""
        from mlapi.pipelines.object_detection.engines.onnx.detector import OnnxDetector

        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"It is larger than {_MOST_BYTES // 1_000_000} MB.")
        return OnnxDetector(path.read_bytes())

    def restore(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> "OnnxDetector":
        from mlapi.pipelines.object_detection.engines.onnx import detector

        return detector.restored(header, arrays)
