"""Detection engines by name: each learns boxes in its own way, or runs a model that is given.

`base` has the interface; `geometry`, `inputs`, `augmentation` and `candidates` are what engines
share. Imports nothing of the pipeline above it.
"""

from mlapi.pipelines.object_detection.engines.base import DetectorLoader, Engine
from mlapi.pipelines.object_detection.engines.huggingface.engine import HuggingFace
from mlapi.pipelines.object_detection.engines.lite.engine import Lite
from mlapi.pipelines.object_detection.engines.onnx.engine import Onnx
from mlapi.pipelines.object_detection.engines.patches.engine import Patches
from mlapi.pipelines.object_detection.engines.yolo.engine import Yolo

ONNX, YOLO, HUGGING_FACE = Onnx(), Yolo(), HuggingFace()
ENGINES: dict[str, DetectorLoader] = {
    e.name: e for e in (Patches(), Lite(), YOLO, ONNX, HUGGING_FACE)
}


def learning_engines() -> dict[str, Engine]:
    """By name the engines that learn; the others only run a model that is given."""
    return {name: one for name, one in ENGINES.items() if isinstance(one, Engine)}
