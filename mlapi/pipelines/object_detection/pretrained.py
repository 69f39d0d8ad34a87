"""Targets that a model of the operator's fills, which learns nothing but its thresholds."""

import time
from collections.abc import Sequence
from dataclasses import replace

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.pipelines.object_detection import attributes, models_folder
from mlapi.pipelines.object_detection.engines import ONNX
from mlapi.pipelines.object_detection.examples import AnnotatedImage, TargetResult, Validation
from mlapi.pipelines.object_detection.model import DetectedTarget
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import CandidateRow

_MOST_IMAGES = 200  # that thresholds are chosen on


def read(
    spec: TargetSpec, drawn: Sequence[AnnotatedImage], progress: ProgressWriter
) -> TargetResult:
    """The model that the label config names, with thresholds by the images that people have done.

    Raises TrainingFailed with model_file_invalid.
    """
    began = time.monotonic()
    name = attributes.model_path(spec)
    try:
        detector = ONNX.read(models_folder.path(name))
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
    labels = tuple(label for label in spec.labels if label in known.values())
    target = DetectedTarget(replace(spec, labels=labels), ONNX.name, detector, {})
    some = drawn[:_MOST_IMAGES]
    found = [
        [
            replace(box, label=known[box.label])
            for box in target.detect(one.image)
            if box.label in known
        ]
        for one in some
    ]
    validated = Validation.of(target.spec, some, found)
    seconds = time.monotonic() - began
    progress.log(
        f"{spec.name} is filled by {name}, which is not trained; thresholds, chosen on "
        f"{len(some)} images: {validated.summary}"
    )
    note = f"Scored on {len(some)} images that people have done."
    candidate = CandidateRow(
        spec.name, ONNX.name, validated.f1, "f1", seconds, len(some), note, won=True
    )
    least = {called: validated.thresholds[label] for called, label in known.items()}
    return TargetResult(replace(target, thresholds=least), candidate)
