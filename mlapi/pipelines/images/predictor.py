"""A loaded version of one target on the features of its images: task data in, answers out."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mlapi.domain import InputError, NoPrediction, Prediction, TargetSpec
from mlapi.images.features import InputSource
from mlapi.inputs import ImageFeatures
from mlapi.pipelines.predictor import Evaluate, Predictor


class VectorModel(Protocol):
    """A model of one target."""

    spec: TargetSpec
    input: ImageFeatures

    @property
    def nbytes(self) -> int: ...


class VectorPredictor(Predictor):
    """Evaluates the version in this process, by `evaluate`: vectors in, the outputs of each out."""

    def __init__(self, model: VectorModel, evaluate: Evaluate) -> None:
        self.targets = (model.spec,)
        self.nbytes = model.nbytes
        self._input = model.input
        self._evaluate = evaluate

    @abstractmethod
    def answer(self, output: Sequence[Any], spec: TargetSpec) -> Prediction | NoPrediction:
        """The answer for today's target, of what the function has for an image."""

    def serves(self, spec: TargetSpec) -> bool:
        """Whether it fills the control as the label config has it today."""
        return True

    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: InputSource | None = None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        name = self.targets[0].name
        todays = {spec.name: spec for spec in (self.targets if specs is None else specs)}
        spec = todays.get(name)
        if spec is None or not self.serves(spec):
            return [{} for _ in rows]
        inputs = self._input.read_all(rows, spec, store)
        found: list[dict[str, Prediction | NoPrediction]] = [
            {name: NoPrediction(name, value.code, value.message)}
            if isinstance(value, InputError)
            else {}
            for value in inputs
        ]
        readable = [i for i, vector in enumerate(inputs) if isinstance(vector, np.ndarray)]
        outputs = self._evaluate([inputs[i] for i in readable])
        for i, *output in zip(readable, *outputs, strict=True):
            found[i] = {name: self.answer(output, spec)}
        return found
