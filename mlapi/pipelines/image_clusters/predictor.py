"""A loaded image clusters version: task data in, the name of its cluster out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlapi.domain import FeatureSource, InputError, NoPrediction, Prediction, TargetSpec
from mlapi.eva.online import OnlineFunction
from mlapi.pipelines.base import Predictor
from mlapi.pipelines.image_clusters.function import NearestCluster
from mlapi.pipelines.image_clusters.model import ClusterModel


class ClusterPredictor(Predictor):
    """Evaluates the version's EvaDB function in this process."""

    def __init__(self, model: ClusterModel) -> None:
        self.model = model
        self.targets = (model.spec,)
        self.nbytes = model.nbytes
        function = NearestCluster()
        function.model = model
        self._function = OnlineFunction(
            function, "nearest_cluster", ["features"], ["cluster", "centrality"]
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
        if spec is None:
            return [{} for _ in rows]
        inputs = self.model.input.read_all(rows, spec, store)
        found: list[dict[str, Prediction | NoPrediction]] = [
            {name: NoPrediction(name, value.code, value.message)}
            if isinstance(value, InputError)
            else {}
            for value in inputs
        ]
        readable = [i for i, vector in enumerate(inputs) if isinstance(vector, np.ndarray)]
        outputs = self._function.evaluate([inputs[i] for i in readable])
        for i, cluster, centrality in zip(readable, *outputs, strict=True):
            found[i] = {name: self.model.answer(cluster, centrality, spec.kind)}
        return found
