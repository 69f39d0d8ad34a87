"""Text classification as a pipeline."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.inputs.text import TextInput, objects
from mlapi.labelstudio.label_config import Control, LabelConfig, ObjectTag
from mlapi.labelstudio.references import REFERENCE
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Pipeline, RunHistory, RunPlan
from mlapi.pipelines.classification import run_plan
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.targets import target_spec
from mlapi.pipelines.text_classification.options import OPTIONS, check_encoder
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import CandidateRow, LearningCurve, TrainingResult

if TYPE_CHECKING:
    from mlapi.evaluation.joined import TrainedPart
    from mlapi.pipelines.classification.model import Classifier
    from mlapi.pipelines.parts import Parts

CONTROLS = ("Choices", "Taxonomy", "Rating", "Pairwise")


class TextClassification(Pipeline):
    """Choices, Taxonomy, Rating and Pairwise on what is read as texts; one estimator per control.

    The stars of a Rating are labels like others, and so are the two sides of a Pairwise.

    What learns and predicts is imported where it is used, so that a process that only
    matches label configs does not load EvaDB and scikit-learn.
    """

    name = "text_classification"
    options = OPTIONS
    input = TextInput()
    modules = ("mlapi.pipelines.text_classification.model",)

    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        found = refusals.objects_of(control, config)
        code = _refusal(control, found)
        return code if code or isinstance(found, str) else target_spec(control, found)

    def validate_options(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """As of any pipeline; also InvalidOption for an encoder that this machine does not have."""
        validated = super().validate_options(chosen)
        check_encoder(validated["encoder"])
        return validated

    def plan(
        self, targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory
    ) -> RunPlan:
        return run_plan.plan(targets, options, history)

    def challenger_won(self, candidates: Sequence[CandidateRow]) -> bool:
        return run_plan.automl_won(candidates)

    def read_model(self, parts: "Parts") -> "Classifier":
        from mlapi.pipelines.text_classification.model import read_model

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
        from mlapi.pipelines.text_classification.encoding import modality_of

        progress.phase("opening EvaDB", 0.01)
        eva = open_eva(job.folder / "eva", progress.statement)
        return train(
            job, progress, modality_of(job, self.input.with_settings(job.input), eva, progress), eva
        )

    def learning_curve(
        self, job: TrainingJob, progress: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        from mlapi.eva.open import open_eva
        from mlapi.pipelines.classification.curve import learning_curve
        from mlapi.pipelines.text_classification.encoding import modality_of

        eva = open_eva(job.folder / "eva-texts", progress.statement)
        modality = modality_of(job, self.input.with_settings(job.input), eva, progress)
        return learning_curve(job, progress, modality, result)


def _refusal(control: Control, found: tuple[ObjectTag, ...] | str) -> str:
    if control.tag not in CONTROLS:
        return "control_not_served"
    if isinstance(found, str):
        return found
    if any(tag.tag not in objects.TEXTS for tag in found):
        alike = len({tag.tag in objects.TEXTS for tag in found}) == 1
        return "object_not_served" if alike else "several_objects"
    if any("url" in tag.value_type for tag in found):
        return "value_is_url"
    if not any(REFERENCE.search(tag.value) for tag in found):
        return "field_unclear"
    if control.tag == "Pairwise" and len(found) != 2:
        return "two_objects_needed"
    return refusals.refusal(control)
