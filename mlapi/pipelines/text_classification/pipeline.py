"""Text classification as a pipeline."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlapi.domain import InputError, Match, TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig, ObjectTag
from mlapi.pipelines import options, refusals
from mlapi.pipelines.base import Pipeline, Predictor, RunHistory, RunPlan
from mlapi.pipelines.classification import automl_policy
from mlapi.pipelines.text_classification import reading
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import LearningCurve, TrainingResult

if TYPE_CHECKING:
    from mlapi.pipelines.classification.model import Classifier
    from mlapi.pipelines.parts import Parts

TEXT_TAGS = ("Text", "HyperText", "Paragraphs")

OPTIONS = {
    "automl": options.AUTOML,
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
}


class TextClassification(Pipeline):
    """Choices on Text, HyperText or Paragraphs; one estimator per control.

    What learns and predicts is imported where it is used, so that a process that only
    matches label configs does not load EvaDB and scikit-learn.
    """

    name = "text_classification"
    modules = ("mlapi.pipelines.text_classification.model",)

    def match(self, config: LabelConfig, options: Mapping[str, Any]) -> Match:
        targets, unserved = [], []
        for control in config.controls:
            found = refusals.the_object(control, config)
            code = _refusal(control, found)
            if code or isinstance(found, str):
                unserved.append(refusals.unserved(control, code))
            else:
                targets.append(_target(control, found))
        return Match(self.name, tuple(targets), tuple(unserved))

    @property
    def option_names(self) -> frozenset[str]:
        return frozenset(OPTIONS)

    def validate_options(self, chosen: dict[str, Any]) -> dict[str, Any]:
        return options.validate(chosen, OPTIONS)

    def read_input(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        return reading.read_text(task_data, target)

    def input_key_parts(
        self, task_data: dict[str, Any], targets: Sequence[TargetSpec]
    ) -> list[str]:
        """One text for each distinct input, normalised; "" where there is none to read."""
        inputs = {(t.field, t.object_tag, t.text_key, t.author_key): t for t in targets}
        return [reading.canonical(self._text(task_data, inputs[key])) for key in sorted(inputs)]

    def _text(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        try:
            return reading.read_text(task_data, target)
        except InputError:
            return ""

    def plan(self, options: Mapping[str, Any], history: RunHistory) -> RunPlan:
        return automl_policy.plan(options, history)

    def read_model(self, parts: "Parts") -> "Classifier":
        from mlapi.pipelines.classification.model import Classifier
        from mlapi.pipelines.text_classification.model import TextColumns, TextVectors

        known = {kind.kind: kind for kind in (TextVectors, TextColumns)}
        return Classifier.from_parts(self.name, parts, known)

    def predictor(self, model: "Classifier") -> Predictor:
        from mlapi.pipelines.classification.predictor import ClassifierPredictor

        return ClassifierPredictor(model, lambda rows, spec, _: reading.read_texts(rows, spec))

    def train(self, job: TrainingJob, report: ProgressWriter) -> TrainingResult:
        from mlapi.eva.open import open_eva
        from mlapi.pipelines.classification.training import train
        from mlapi.pipelines.text_classification.model import TextModality

        return train(job, report, TextModality(), open_eva(job.folder / "eva", report.statement))

    def learning_curve(
        self, job: TrainingJob, report: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        from mlapi.pipelines.classification.curve import learning_curve
        from mlapi.pipelines.text_classification.model import TextModality

        return learning_curve(job, report, TextModality(), result)


def _refusal(control: Control, found: ObjectTag | str) -> str:
    if control.tag != "Choices":
        return "control_not_served"
    if isinstance(found, str):
        return found
    if found.tag not in TEXT_TAGS:
        return "object_not_served"
    if found.value_type == "url":
        return "value_is_url"
    return refusals.refusal(control) if found.field else "field_unclear"


def _target(control: Control, text: ObjectTag) -> TargetSpec:
    return TargetSpec(
        name=control.name,
        object_name=text.name,
        object_tag=text.tag,
        field=text.field or "",
        kind="multiple" if control.choice == "multiple" else "single",
        labels=control.labels,
        text_key=text.attr("textKey") or "text",
        author_key=text.attr("nameKey") or "author",
    )
