"""A loaded image similarity version: task data in, the label of near references out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlapi.domain import FeatureSource, InputError, NoPrediction, Prediction, TargetSpec
from mlapi.eva.online import OnlineFunction
from mlapi.label_types import shape_of
from mlapi.pipelines.base import Predictor
from mlapi.pipelines.image_similarity.function import NearestReferences
from mlapi.pipelines.image_similarity.model import SimilarityModel

NOT_SIMILAR = ("not_similar", "It is not among the nearest tasks of any reference.")


class SimilarityPredictor(Predictor):
    """Evaluates the version's EvaDB function in this process."""

    def __init__(self, model: SimilarityModel) -> None:
        self.model = model
        self.targets = (model.spec,)
        self.nbytes = model.nbytes
        function = NearestReferences()
        function.model = model
        self._function = OnlineFunction(
            function, "nearest_references", ["features"], ["tasks", "nearness"]
        )

    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: FeatureSource | None = None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        specs_by_name = {spec.name: spec for spec in (self.targets if specs is None else specs)}
        name = self.model.spec.name
        spec = specs_by_name.get(name)
        if spec is None or shape_of(spec) != shape_of(self.model.spec):
            return [{} for _ in rows]
        inputs = self.model.input.read_all(rows, spec, store)
        readable = [i for i, vector in enumerate(inputs) if isinstance(vector, np.ndarray)]
        found: list[Prediction | NoPrediction] = [
            NoPrediction(name, value.code, value.message)
            if isinstance(value, InputError)
            else NoPrediction(name, *NOT_SIMILAR)
            for value in inputs
        ]
        _, nearness = self._function.evaluate([inputs[i] for i in readable])
        for i, near in zip(readable, nearness, strict=True):
            found[i] = self.model.answer(near, spec.kind) or found[i]
        return [{name: answer} for answer in found]
