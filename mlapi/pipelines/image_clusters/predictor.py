"""A loaded image clusters version: task data in, the name of its cluster out."""

from collections.abc import Sequence
from typing import Any

from mlapi.domain import Prediction, TargetSpec
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.images.predictor import VectorPredictor
from mlapi.pipelines.predictor import Evaluate


class ClusterPredictor(VectorPredictor):
    """Names the cluster whose centre is nearest."""

    def __init__(self, model: ClusterModel, evaluate: Evaluate | None = None) -> None:
        self.model = model
        super().__init__(model, evaluate or _by_evadb(model))

    def answer(self, output: Sequence[Any], spec: TargetSpec) -> Prediction:
        cluster, centrality = output
        return self.model.answer(cluster, centrality, spec.kind)


def _by_evadb(model: ClusterModel) -> Evaluate:
    from mlapi.eva.online import OnlineFunction
    from mlapi.pipelines.image_clusters.function import NearestCluster

    function, outputs = NearestCluster(), ["cluster", "centrality"]
    function.model = model
    return OnlineFunction(function, "nearest_cluster", ["features"], outputs).evaluate
