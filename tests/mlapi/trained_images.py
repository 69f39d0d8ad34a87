"""A small real model of digits, and projects that it serves, made without a training."""

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from django.conf import settings

from mlapi.domain import TargetSpec
from mlapi.images.extractors.loading import extractor
from mlapi.images.feature_store import to_bytes
from mlapi.images.features import ExtractorRef
from mlapi.inputs import ImageFeatures
from mlapi.pipelines.artifact import pack
from mlapi.pipelines.classification.calibration import Temperature
from mlapi.pipelines.classification.model import Classifier, TrainedTarget
from mlapi.pipelines.image_classification.model import LINEAR
from registry.actions import features, registration, runs
from registry.actions.features import FeatureRow
from registry.models import ModelVersion, Project, Task
from tests.factories import TrainingRunFactory, learned, promote, result
from tests.mlapi.image_files import digits, sha256

LABELS = tuple("0123456789")
SPEC = TargetSpec("kind", "img", "Image", "image", "choice", LABELS)


@lru_cache
def features_of(n: int) -> list[np.ndarray]:
    """The features of the first n digits, by OpenCV."""
    images = [
        cv2.imdecode(np.frombuffer(file, dtype=np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        for file in digits(n)[0]
    ]
    return list(extractor("opencv").features(images))


def opencv() -> ExtractorRef:
    return ExtractorRef("opencv", extractor("opencv").name)


@lru_cache
def artifact(n: int = 120, needs: tuple[str, ...] = ()) -> bytes:
    """The artifact of a Classifier for the control `kind` on the field `image`.

    `needs`: packages that it needs beside those that it does.
    """
    classes = np.array([LABELS.index(label) for label in digits(n)[1]])
    estimator = LINEAR.fit(features_of(n), classes, len(LABELS), "single")
    target = TrainedTarget(SPEC, estimator, Temperature(0.2))
    model = Classifier("image_classification", ImageFeatures(opencv()), [target])
    parts = model.to_parts()
    for described in parts["targets"]:
        described["needs"] = [*described["needs"], *needs]
    return pack(model.pipeline, parts)


def champion_of_digits(project: Project, n: int = 120) -> ModelVersion:
    """The model as the project's champion; the features of its first n tasks are stored."""
    run = TrainingRunFactory(project=project, state="running")
    learned(run, "image_classification", options={"features": "opencv"})
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
        path = Path(folder) / "artifact.bin"
        path.write_bytes(artifact(n))
        found = result(path, recipe=LINEAR.name, extractor=opencv().name)
        found = replace(found, targets=[SPEC.row()])
        version = registration.register(run, found, path)
    runs.succeed(run)
    promote(version)
    tasks = Task.objects.filter(project=project, labelstudio_id__lte=n).order_by("labelstudio_id")
    rows = zip(tasks, digits(n)[0], features_of(n), strict=True)
    features.save(
        project,
        opencv().name,
        [
            FeatureRow(t.pk, t.data["image"], sha256(file), to_bytes(vector))
            for t, file, vector in rows
        ],
    )
    project.refresh_from_db()
    return version
