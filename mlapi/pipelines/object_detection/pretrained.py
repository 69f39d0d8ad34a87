"""Models that serve before anybody has labelled, by the label config or the option `engine`.

A label config names a file of the operator's: one in an ONNX file learns nothing but its
thresholds; one in a safetensors file is fine-tuned. The option names a model of transformers,
which learns nothing but its thresholds either.
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.pipelines.object_detection import attributes, models_folder
from mlapi.pipelines.object_detection.engines import HUGGING_FACE, ONNX, YOLO
from mlapi.pipelines.object_detection.engines.base import Detector, Engine
from mlapi.pipelines.object_detection.engines.yolo.engine import Yolo
from mlapi.pipelines.object_detection.examples import AnnotatedImage, TargetResult, Validation
from mlapi.pipelines.object_detection.model import DetectedTarget, relabelled
from mlapi.pipelines.object_detection.options import hugging_face_model
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import CandidateRow

if TYPE_CHECKING:
    from mlapi.pipelines.object_detection.engines.onnx.detector import OnnxDetector
    from mlapi.pipelines.object_detection.engines.yolo.detector import YoloDetector

_MOST_IMAGES = 200  # that thresholds are chosen on


@dataclass(frozen=True)
class Pretrained:
    """A model that is named for a target.

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


def is_named(spec: TargetSpec, engine: str) -> bool:
    """Whether the label config names a model for the target, or the option `engine` does."""
    return bool(attributes.model_path(spec) or hugging_face_model(engine))


def read(spec: TargetSpec, engine: str) -> Pretrained:
    """The model that is named for the target, that of the label config first.

    Raises TrainingFailed: model_file_invalid, and for a model of transformers vision_missing,
    model_missing, model_broken.
    """
    name = attributes.model_path(spec)
    if not name:
        found = HUGGING_FACE.read(hugging_face_model(engine))
        return Pretrained(engine, HUGGING_FACE.name, found, _known(spec, engine, found.labels))
    path = models_folder.path(name)
    try:
        detector, start = _opened(path)
    except (OSError, ValueError) as error:
        raise TrainingFailed("model_file_invalid", f"{name} cannot be used. {error}") from error
    known = _known(spec, name, detector.labels)
    if start is None:
        return Pretrained(name, ONNX.name, detector, known)
    return Pretrained(name, YOLO.name, detector, known, learner=Yolo(start, known))


def _known(spec: TargetSpec, name: str, classes: Sequence[str]) -> dict[str, str]:
    """By the classes of a model the labels that they are served with.

    Raises TrainingFailed with model_file_invalid if there are none.
    """
    names = attributes.names(spec)
    known = {called: names[called] for called in classes if called in names}
    if not known:
        listed = ", ".join(classes[:20])
        raise TrainingFailed(
            "model_file_invalid",
            f"{name} finds none of the labels of {spec.name}, but {listed}.",
            hint="Name its classes by predicted_values of the labels.",
        )
    return known


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
    # Any of them, so that new ones count too.
    some = random.Random(0).sample(drawn, min(len(drawn), _MOST_IMAGES))  # noqa: S311
    found = [relabelled(target.detect(one.image), model.known) for one in some]
    unknown = [label for label in spec.labels if label not in served.labels]
    if unknown:
        progress.log(f"{spec.name}: {model.name} does not know {', '.join(unknown)}.")
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
