"""A loaded image clusters version: task data in, the name of its cluster out."""

from collections.abc import Sequence
from typing import Any

from mlapi.domain import Prediction, TargetSpec
from mlapi.pipelines.image_clusters.function import NearestCluster
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.images.predictor import VectorPredictor


class ClusterPredictor(VectorPredictor):
    """Names the cluster whose centre is nearest."""

    def __init__(self, model: ClusterModel) -> None:
        self.model = model
        super().__init__(model, NearestCluster(), "nearest_cluster", ("cluster", "centrality"))

    def answer(self, output: Sequence[Any], spec: TargetSpec) -> Prediction:
        cluster, centrality = output
        return self.model.answer(cluster, centrality, spec.kind)
