"""Image similarity as a pipeline: a label for tasks whose images are near to those that have it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import refusals
from mlapi.pipelines.image_similarity.options import OPTIONS, similar_to
from mlapi.pipelines.images.pipeline import ImagePipeline, image_of
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.targets import target_spec
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter

if TYPE_CHECKING:
    from mlapi.evaluation.joined import TrainedPart
    from mlapi.pipelines.image_similarity.model import SimilarityModel
    from mlapi.pipelines.parts import Parts


class ImageSimilarity(ImagePipeline):
    """The option `similar_to` names a label of Choices on Image; its tasks are the references."""

    name = "image_similarity"
    options = OPTIONS
    chosen_by = "similar_to"
    one_target = True
    modules = (
        "mlapi.images.function",
        "mlapi.pipelines.image_similarity.function",
    )
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

    def purpose(self, options: Mapping[str, Any]) -> str:
        label = self.required_label(options)
        return f"similar to {label}" if label else ""

    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        image = image_of(control, config)
        code = _refusal(control, config, similar_to(options))
        return code if code or isinstance(image, str) else target_spec(control, (image,))

    def required_label(self, options: Mapping[str, Any]) -> str | None:
        reference = similar_to(options)
        return reference[1] if reference else None

    def read_model(self, parts: "Parts") -> "SimilarityModel":
        from mlapi.pipelines.image_similarity.model import SimilarityModel

        return SimilarityModel.from_parts(parts)

    def predictor(self, model: "SimilarityModel") -> Predictor:
        from mlapi.pipelines.image_similarity.predictor import SimilarityPredictor

        return SimilarityPredictor(model)

    def train(self, job: TrainingJob, progress: ProgressWriter) -> "TrainedPart":
        from mlapi.eva.open import open_eva
        from mlapi.pipelines.image_similarity.training import train

        eva = open_eva(job.folder / "eva", progress.statement)
        store = self.prepare_features(job, eva, progress)
        return train(job, progress, self.input.with_settings(job.input), store, eva)


def _refusal(control: Control, config: LabelConfig, reference: tuple[str, str] | None) -> str:
    """The code of why the control does not have the label of the option; "" if it does."""
    if control.tag != "Choices":
        return "control_not_served"
    image = image_of(control, config)
    if isinstance(image, str):
        return image
    if code := refusals.refusal(control, least=1):
        return code
    name, label = reference or ("", "")
    if name not in ("", control.name):
        return "other_control"
    return "" if label in control.labels else "label_not_found"
