"""Models of the operator's, which a label config names: they serve before anybody has labelled.

One in an ONNX file learns nothing but its thresholds; one in a safetensors file is fine-tuned.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.pipelines.object_detection import attributes, models_folder
from mlapi.pipelines.object_detection.engines import ONNX, YOLO
from mlapi.pipelines.object_detection.engines.base import Detector, Engine
from mlapi.pipelines.object_detection.engines.yolo.engine import Yolo
from mlapi.pipelines.object_detection.examples import AnnotatedImage, TargetResult, Validation
from mlapi.pipelines.object_detection.model import DetectedTarget
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import CandidateRow

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.onnx.detector import OnnxDetector
    from mlapi.pipelines.object_detection.engines.yolo.detector import YoloDetector

_MOST_IMAGES = 200  # that thresholds are chosen on


@dataclass(frozen=True)
class Pretrained:
    """A model of the operator's for a target.

    `known` are, by the classes of the model, the labels that they are served with; `learner` is
    the engine that fine-tunes it, None where none does.
    """

    name: str
    engine: str
    detector: Detector
    known: Mapping[str, str]
    learner: Engine | None = None

    def labels(self, spec: TargetSpec) -> tuple[str, ...]:
        """The target's labels that the model knows."""
        return tuple(label for label in spec.labels if label in self.known.values())


def read(spec: TargetSpec) -> Pretrained:
    """The model that the label config names. Raises TrainingFailed with model_file_invalid."""
    name = attributes.model_path(spec)
    path = models_folder.path(name)
    try:
        detector, start = _opened(path)
    except (OSError, ValueError) as error:
        raise TrainingFailed("model_file_invalid", f"{name} cannot be used. {error}") from error
    names = attributes.names(spec)
    known = {called: names[called] for called in detector.labels if called in names}
    if not known:
        classes = ", ".join(detector.labels[:20])
        raise TrainingFailed(
            "model_file_invalid",
            f"{name} finds none of the labels of {spec.name}, but {classes}.",
            hint="Name its classes by predicted_values of the labels.",
        )
    if start is None:
        return Pretrained(name, ONNX.name, detector, known)
    return Pretrained(name, YOLO.name, detector, known, learner=Yolo(start, known))


def _opened(path: Path) -> "tuple[OnnxDetector | YoloDetector, YoloDetector | None]":
    """The model in the file, and the same as what a training starts from, where one can.

    Raises OSError or ValueError.
    """
    if path.suffix == ".onnx":
        return ONNX.read(path), None
    missing = YOLO.missing()
    if missing is not None:
        raise ValueError(missing)
    detector = YOLO.read(path)
    return detector, detector


def result(
    spec: TargetSpec,
    model: Pretrained,
    drawn: Sequence[AnnotatedImage],
    progress: ProgressWriter,
) -> TargetResult:
    """The model as it is, with thresholds by the images that people have done."""
    began = time.monotonic()
    served = replace(spec, labels=model.labels(spec))
    target = DetectedTarget(served, model.engine, model.detector, {})
    some = drawn[:_MOST_IMAGES]
    found = [
        [
            replace(box, label=model.known[box.label])
            for box in target.detect(one.image)
            if box.label in model.known
        ]
        for one in some
    ]
    validated = Validation.of(served, some, found)
    seconds = time.monotonic() - began
    progress.log(
        f"{spec.name} is filled by {model.name}, which is not trained; thresholds, chosen on "
        f"{len(some)} images: {validated.summary}"
    )
    note = f"Scored on {len(some)} images that people have done."
    candidate = CandidateRow(
        spec.name, model.engine, validated.f1, "f1", seconds, len(some), note, won=True
    )
    least = {called: validated.thresholds[label] for called, label in model.known.items()}
    return TargetResult(replace(target, thresholds=least), candidate)
