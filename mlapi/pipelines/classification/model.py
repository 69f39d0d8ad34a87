"""A classifier's version in memory and in its artifact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlapi.domain import TargetSpec
from mlapi.inputs import Input
from mlapi.pipelines.classification import calibration
from mlapi.pipelines.classification.boosted import AutoMLEstimator
from mlapi.pipelines.classification.calibration import Sigmoids, Temperature
from mlapi.pipelines.classification.candidates import Estimator, RidgeEstimator
from mlapi.pipelines.parts import Parts, spec_parts

ESTIMATORS = {kind.kind: kind for kind in (RidgeEstimator, AutoMLEstimator)}


@dataclass
class TrainedTarget:
    """A target, its estimator and its calibration.

    `spec.labels` are the labels in the estimator's order. `weights` are those of their
    probabilities in the decision (`decision.py`); None where the likeliest label is predicted.
    """

    spec: TargetSpec
    estimator: Estimator
    calibration: Temperature | Sigmoids
    weights: np.ndarray | None = None

    def probabilities(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, labels)."""
        return self.calibration.probabilities(self.estimator.scores(inputs))

    def to_parts(self) -> dict[str, Any]:
        return {
            "spec": spec_parts(self.spec),
            "needs": list(self.estimator.needs),
            "estimator": self.estimator.to_parts(),
            "calibration": self.calibration.to_parts(),
            **({} if self.weights is None else {"decision": {"weights": self.weights}}),
        }

    @classmethod
    def from_parts(cls, parts: Parts, known: Mapping[str, Any]) -> "TrainedTarget":
        parts.require()
        spec = parts.spec()
        described, calibrated = parts.part("estimator"), parts.part("calibration")
        estimator = described.one_of("kind", ESTIMATORS).from_parts(described, known)
        if estimator.n_labels != len(spec.labels):
            raise parts.wrong("the estimator has other labels than the target.")
        kind = calibrated.one_of("kind", calibration.KINDS)
        decided = parts.optional("decision")
        weights = decided.array("weights", len(spec.labels)) if decided else None
        if weights is not None and not (np.isfinite(weights).all() and (weights > 0).all()):
            raise parts.wrong("a weight of its decision is no positive number.")
        return cls(spec, estimator, kind.from_parts(calibrated, len(spec.labels)), weights)


@dataclass
class Classifier:
    """The trained targets of a version. Read only once made, so any thread may use it.

    `input` is what they read.
    """

    pipeline: str
    input: Input
    targets: list[TrainedTarget]

    @property
    def nbytes(self) -> int:
        return sum(t.estimator.nbytes for t in self.targets)

    def slices(self) -> list[slice]:
        """Where each target's labels are in a row of `probabilities`."""
        ends = np.cumsum([0, *(len(t.spec.labels) for t in self.targets)]).tolist()
        return [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]

    def probabilities(self, inputs: Sequence[Sequence[Any] | None], n: int) -> np.ndarray:
        """(n, labels of all targets, one target after another).

        `inputs` has n inputs for each target, or None for a target that is not evaluated. Where
        there is no input the row is NaN for the target.
        """
        parts = []
        for target, column in zip(self.targets, inputs, strict=True):
            part = np.full((n, len(target.spec.labels)), np.nan)
            if column is not None:
                present = [
                    i for i, value in enumerate(column) if isinstance(value, str | np.ndarray)
                ]
                if present:
                    part[present] = target.probabilities([column[i] for i in present])
            parts.append(part)
        return np.hstack(parts) if parts else np.empty((n, 0))

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> "Classifier":
        targets = [replace(target, spec=target.spec.renamed(names)) for target in self.targets]
        return replace(self, targets=targets)

    def to_parts(self) -> dict[str, Any]:
        return {
            "extractor": self.input.settings or None,
            "targets": [target.to_parts() for target in self.targets],
        }

    @classmethod
    def from_parts(
        cls, pipeline: str, unset: Input, parts: Parts, known: Mapping[str, Any]
    ) -> "Classifier":
        """`unset`: its input, before it has settings. `known`: what makes features or columns of
        the pipeline's inputs, by kinds.
        """
        targets = [TrainedTarget.from_parts(target, known) for target in parts.parts("targets")]
        stored = parts.optional("extractor")
        settings = parts.settings("extractor", unset.setting_names) if stored else {}
        return cls(pipeline, unset.with_settings(settings), targets)


def merged(models: Sequence[Classifier]) -> Classifier:
    """The targets of several classifiers, and the input of those whose estimators have settings."""
    read = next((model.input for model in models if model.input.settings), models[0].input)
    return replace(
        models[0], input=read, targets=[target for model in models for target in model.targets]
    )
