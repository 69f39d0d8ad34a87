"""Object detection as a pipeline: RectangleLabels, or Rectangle with Labels, on Image."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlapi import label_types
from mlapi.domain import TargetSpec
from mlapi.inputs import SizedImages
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.images.pipeline import image_of
from mlapi.pipelines.object_detection import attributes
from mlapi.pipelines.object_detection.options import OPTIONS, check_engine, hugging_face_model
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.targets import target_spec
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import LearningCurve, TrainingResult

if TYPE_CHECKING:
    from mlapi.evaluation.joined import TrainedPart
    from mlapi.pipelines.object_detection.model import DetectionModel
    from mlapi.pipelines.parts import Parts


class ObjectDetection(Pipeline):
    """One detector per control, learned from the boxes that annotators drew."""

    name = "object_detection"
    input = SizedImages()
    options = OPTIONS
    may_be_pretrained = True
    modules = ("mlapi.pipelines.object_detection.function",)

    def applies_to(self, config: LabelConfig) -> bool:
        return any(found.tag == "Image" for found in config.objects.values())

    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        label_type = label_types.of_control(control)
        if label_type is None or label_type.shape != "boxes":
            return "control_not_served"
        image = image_of(control, config)
        if isinstance(image, str):
            return image
        code = attributes.refusal(control) or refusals.refusal(control, least=1)
        if code:
            return code
        spec = target_spec(control, (image,))
        return replace(
            spec,
            attributes=attributes.of_control(control),
            purpose=_named_model(control, options),
        )

    def is_pretrained(self, target: TargetSpec) -> bool:
        return bool(target.purpose)

    def validate_options(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """As of any pipeline; also InvalidOption for an engine that cannot be used here."""
        validated = super().validate_options(chosen)
        check_engine(validated["engine"])
        return validated

    def read_model(self, parts: "Parts") -> "DetectionModel":
        from mlapi.pipelines.object_detection.model import DetectionModel

        return DetectionModel.from_parts(parts)

    def merged(self, models: "Sequence[DetectionModel]") -> "DetectionModel":
        targets = [target for model in models for target in model.targets]
        return replace(models[0], targets=targets)

    def predictor(self, model: "DetectionModel") -> Predictor:
        from mlapi.pipelines.object_detection.predictor import DetectionPredictor

        return DetectionPredictor(model)

    def train(self, job: TrainingJob, progress: ProgressWriter) -> "TrainedPart":
        from mlapi.eva.open import open_eva
        from mlapi.images.folder_store import FolderImageStore
        from mlapi.pipelines.object_detection.training import train

        eva = open_eva(job.folder / "eva", progress.statement)
        store = FolderImageStore.read(job.folder)
        return train(job, progress, self.input.with_settings(job.input), store, eva)

    def learning_curve(
        self, job: TrainingJob, progress: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        """Empty: a detector takes too long to be learned several times."""
        return LearningCurve([])


def _named_model(control: Control, options: Mapping[str, Any]) -> str:
    """The model that label config or options name, which needs no label; "" without one."""
    path = control.attrs.get(attributes.PATH, "")
    if path:
        return f"{attributes.PATH}: {path}"
    engine = options.get("engine")
    is_model = isinstance(engine, str) and hugging_face_model(engine)
    return f"engine: {engine}" if is_model else ""
