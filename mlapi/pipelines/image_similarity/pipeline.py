"""Image similarity as a pipeline: a label for tasks whose images are near to those that have it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Predictor
from mlapi.pipelines.images import options as image_options
from mlapi.pipelines.images.pipeline import ImagePipeline, image_of
from mlapi.pipelines.targets import target_spec
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import TrainingResult

if TYPE_CHECKING:
    from mlapi.pipelines.image_similarity.model import SimilarityModel
    from mlapi.pipelines.parts import Parts


class ImageSimilarity(ImagePipeline):
    """The option `similar_to` names a label of Choices on Image; its tasks are the references."""

    name = "image_similarity"
    modules = (
        "mlapi.images.function",
        "mlapi.pipelines.image_similarity.function",
    )
    opt_in = True
    may_abstain = True
    learns_from = "all"  # the neighbours of a reference are sought among all tasks
    # One reference is enough, and each one that is marked or unmarked makes another version.
    policy = {
        "first_labels": 1,
        "first_classes": 1,
        "first_per_class": 1,
        "changed_min": 1,
        "changed_share": 0.0,
    }

    def is_enabled(self, options: Mapping[str, Any]) -> bool:
        return image_options.similar_to(options) is not None

    def purpose(self, options: Mapping[str, Any]) -> str:
        similar_to = image_options.similar_to(options)
        return f"similar to {similar_to[1]}" if similar_to else ""

    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        similar_to = image_options.similar_to(options)
        image = image_of(control, config)
        code = _refusal(control, config, similar_to)
        if isinstance(image, str) or code not in ("", "label_not_found"):
            return code
        # Where the option names only the label, the first control that has it.
        first = next((c for c in config.controls if not _refusal(c, config, similar_to)), None)
        if control is first:
            return target_spec(control, (image,))
        return code if first is None else "other_control"

    def required(
        self, targets: Sequence[TargetSpec], options: Mapping[str, Any]
    ) -> dict[str, str] | None:
        similar_to = image_options.similar_to(options)
        return {target.name: similar_to[1] for target in targets} if similar_to else None

    def read_model(self, parts: "Parts") -> "SimilarityModel":
        from mlapi.pipelines.image_similarity.model import SimilarityModel

        return SimilarityModel.from_parts(parts)

    def predictor(self, model: "SimilarityModel") -> Predictor:
        from mlapi.pipelines.image_similarity.predictor import SimilarityPredictor

        return SimilarityPredictor(model)

    def train(self, job: TrainingJob, progress: ProgressWriter) -> TrainingResult:
        from mlapi.eva.open import open_eva
        from mlapi.pipelines.image_similarity.training import train

        eva = open_eva(job.folder / "eva", progress.statement)
        return train(job, progress, self.prepare_features(job, eva, progress), eva)


def _refusal(control: Control, config: LabelConfig, similar_to: tuple[str, str] | None) -> str:
    """The code of why the control is not the one that the option names; "" if it may be."""
    if control.tag != "Choices":
        return "control_not_served"
    image = image_of(control, config)
    if isinstance(image, str):
        return image
    if code := refusals.refusal(control, least=1):
        return code
    name, label = similar_to or ("", "")
    if name not in ("", control.name):
        return "other_control"
    return "" if label in control.labels else "label_not_found"
