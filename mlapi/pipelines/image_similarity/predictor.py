"""A loaded image similarity version: task data in, the label of near references out."""

from collections.abc import Sequence
from typing import Any

from mlapi.domain import NoPrediction, Prediction, TargetSpec
from mlapi.label_types import shape_of
from mlapi.pipelines.image_similarity.model import SimilarityModel
from mlapi.pipelines.images.predictor import VectorPredictor
from mlapi.pipelines.predictor import Evaluate

NOT_SIMILAR = ("not_similar", "It is not among the nearest tasks of any reference.")


class SimilarityPredictor(VectorPredictor):
    """Gives the references' label to what is near enough to one of them."""

    def __init__(self, model: SimilarityModel, evaluate: Evaluate | None = None) -> None:
        self.model = model
        super().__init__(model, evaluate or _by_evadb(model))

    def serves(self, spec: TargetSpec) -> bool:
        return shape_of(spec) == shape_of(self.model.spec)

    def answer(self, output: Sequence[Any], spec: TargetSpec) -> Prediction | NoPrediction:
        _, nearness = output
        return self.model.answer(nearness, spec.kind) or NoPrediction(spec.name, *NOT_SIMILAR)


def _by_evadb(model: SimilarityModel) -> Evaluate:
    from mlapi.eva.online import OnlineFunction
    from mlapi.pipelines.image_similarity.function import NearestReferences

    function, outputs = NearestReferences(), ["tasks", "nearness"]
    function.model = model
    return OnlineFunction(function, "nearest_references", ["features"], outputs).evaluate
