"""What a classifier's version is in memory and in its artifact."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlapi.domain import ExtractorRef, TargetSpec
from mlapi.pipelines import artifact
from mlapi.pipelines.classification.calibration import Sigmoids, Temperature
from mlapi.pipelines.classification.recipes import Estimator


@dataclass
class TrainedTarget:
    """A target, its estimator and its calibration.

    `spec.labels` are the labels in the estimator's order.
    """

    spec: TargetSpec
    estimator: Estimator
    calibration: Temperature | Sigmoids

    def probabilities(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, labels)."""
        return self.calibration.probabilities(self.estimator.scores(inputs))


@dataclass
class Classifier:
    """The trained targets of a version. Read only once made, so any thread may use it.

    `extractor` is what made vectors of its inputs; None where texts are read as they are.
    """

    pipeline: str
    targets: list[TrainedTarget]
    extractor: ExtractorRef | None = None

    @property
    def nbytes(self) -> int:
        return sum(t.estimator.nbytes for t in self.targets)

    def slices(self) -> list[slice]:
        """Where each target's labels are in a row of `probabilities`."""
        ends = np.cumsum([0, *(len(t.spec.labels) for t in self.targets)]).tolist()
        return [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]

    def probabilities(self, inputs: Sequence[Sequence[Any] | None], n: int) -> np.ndarray:
        """(n, labels of all targets, one target after another).

        `inputs` has n inputs for each target, or None for a target that is not asked. Where
        there is no input the row is NaN for the target.
        """
        parts = []
        for target, column in zip(self.targets, inputs, strict=True):
            part = np.full((n, len(target.spec.labels)), np.nan)
            if column is not None:
                there = [i for i, given in enumerate(column) if isinstance(given, str | np.ndarray)]
                if there:
                    part[there] = target.probabilities([column[i] for i in there])
            parts.append(part)
        return np.hstack(parts) if parts else np.empty((n, 0))

    def save(self, path: Path) -> None:
        """Write the artifact."""
        targets = [
            {"spec": t.spec.to_dict(), "estimator": t.estimator, "calibration": t.calibration}
            for t in self.targets
        ]
        extractor = asdict(self.extractor) if self.extractor else None
        artifact.write(path, self.pipeline, {"extractor": extractor, "targets": targets})


def read_model(path: Path, pipeline: str = "") -> Classifier:
    """The model in a verified artifact. Raises ValueError if it is not one of this pipeline."""
    payload = artifact.read(path, pipeline)
    if "targets" not in payload:
        raise ValueError("Not an artifact of a classifier.")
    extractor = payload["extractor"]
    return Classifier(
        payload["pipeline"],
        [
            TrainedTarget(TargetSpec.from_dict(t["spec"]), t["estimator"], t["calibration"])
            for t in payload["targets"]
        ],
        ExtractorRef(**extractor) if extractor else None,
    )


load_model = artifact.once_per_file(read_model)
