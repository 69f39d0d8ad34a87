"""Image classification as a pipeline."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import refusals
from mlapi.pipelines.base import RunHistory, RunPlan
from mlapi.pipelines.classification import run_plan
from mlapi.pipelines.image_classification.options import OPTIONS
from mlapi.pipelines.images.pipeline import EXTRACTION_SHARE, ImagePipeline, image_of
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.targets import target_spec
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import CandidateRow, LearningCurve, TrainingResult

if TYPE_CHECKING:
    from mlapi.evaluation.joined import TrainedPart
    from mlapi.pipelines.classification.model import Classifier
    from mlapi.pipelines.parts import Parts


class ImageClassification(ImagePipeline):
    """Choices on Image; one estimator per control, over the features of the images."""

    name = "image_classification"
    options = OPTIONS
    modules = (
        "mlapi.images.function",
        "mlapi.pipelines.image_classification.model",
    )

    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        image = image_of(control, config)
        if control.tag != "Choices":
            could_cluster = control.tag in ("TextArea", "Taxonomy") and not control.per_region
            could_cluster = could_cluster and not isinstance(image, str)
            return "option_needed" if could_cluster else "control_not_served"
        if isinstance(image, str):
            return image
        return refusals.refusal(control) or target_spec(control, (image,))

    def plan(
        self, targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory
    ) -> RunPlan:
        return run_plan.plan(targets, options, history)

    def challenger_won(self, candidates: Sequence[CandidateRow]) -> bool:
        return run_plan.automl_won(candidates)

    def read_model(self, parts: "Parts") -> "Classifier":
        from mlapi.pipelines.image_classification.model import read_model

        return read_model(parts)

    def merged(self, models: Sequence["Classifier"]) -> "Classifier":
        from mlapi.pipelines.classification.model import merged

        return merged(models)

    def predictor(self, model: "Classifier") -> Predictor:
        from mlapi.pipelines.classification.predictor import ClassifierPredictor

        return ClassifierPredictor(model)

    def train(self, job: TrainingJob, progress: ProgressWriter) -> "TrainedPart":
        from mlapi.eva.open import open_eva
        from mlapi.pipelines.classification.training import train
        from mlapi.pipelines.image_classification.model import ImageModality

        eva = open_eva(job.folder / "eva", progress.statement)
        modality = ImageModality(
            self.prepare_features(job, eva, progress), self.input.with_settings(job.input)
        )
        return train(job, progress.part(EXTRACTION_SHARE, 1.0), modality, eva)

    def learning_curve(
        self, job: TrainingJob, progress: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        from mlapi.images.folder_store import FolderImageStore
        from mlapi.pipelines.classification.curve import learning_curve
        from mlapi.pipelines.image_classification.model import ImageModality

        modality = ImageModality(
            FolderImageStore.read(job.folder), self.input.with_settings(job.input)
        )
        return learning_curve(job, progress, modality, result)
