"""The interface of a pipeline: one kind of labelling, from the label config to the answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from mlapi.domain import TargetSpec
from mlapi.inputs import Input
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines.options import Option, validate
from mlapi.pipelines.predictor import Predictor
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import CandidateRow, LearningCurve, TrainingResult

if TYPE_CHECKING:  # they import numpy, which a label config is matched without
    from mlapi.evaluation.joined import TrainedPart
    from mlapi.pipelines.artifact import Model
    from mlapi.pipelines.parts import Parts


class RunHistory(Protocol):
    """A run and its project's earlier ones, as a pipeline plans the run."""

    @property
    def is_challenger(self) -> bool:
        """Whether it challenges the version of an earlier one."""

    def examples(self, target: str) -> int:
        """The number of training tasks with a label of that target."""

    def selections(self, most: int) -> Iterable[list[dict[str, Any]]]:
        """The candidates of the last trainings on this label config, the newest first."""

    def challengers(self) -> Iterable[tuple[int, bool]]:
        """Ids of the earlier challengers that came to an end, the newest first, and promotion."""

    def candidates(self, most: int) -> Iterable[tuple[int, list[dict[str, Any]]]]:
        """Id and candidates of earlier runs, the newest first; of at most so many runs."""


# The parameter that says whether a challenger follows the run.
CHALLENGER = "challenger"


@dataclass(frozen=True)
class RunPlan:
    """A pipeline's parameters of a run, and the reasons for them by name."""

    parameters: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


class Pipeline(ABC):
    """One kind of labelling.

    `input`: what it reads of tasks. `options` are what can be set for it. `chosen_by`: the option
    that chooses it for a control; it fills none without. `one_target`: what it trains is for one
    target, so several of them are as many parts of a version. `learns_from`: the tasks of its
    datasets. `counts`: what the policy counts before it trains. `policy`: defaults of the policy
    that differ from a classifier's. `may_abstain`: it may have no answer for most tasks.
    `may_be_pretrained`: `is_pretrained` holds for some targets.
    `modules`: the imports of its first prediction, which one thread of a process does, because
    EvaDB's modules import each other in circles.
    """

    name: str
    input: Input
    options: ClassVar[Mapping[str, Option]] = {}
    chosen_by = ""
    one_target = False
    learns_from: Literal["labelled", "all"] = "labelled"
    counts: Literal["labels", "tasks"] = "labels"
    policy: ClassVar[Mapping[str, Any]] = {}
    may_abstain = False
    may_be_pretrained = False
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        """The control as a target that it fills, or the code of why it does not.

        `options` are those that are set for the control, without defaults: a pipeline with
        `chosen_by` has no target without that option.
        """

    def purpose(self, options: Mapping[str, Any]) -> str:
        """What a target is filled with beside its labels, where an option of it says so."""
        return ""

    def is_pretrained(self, target: TargetSpec) -> bool:
        """Whether a target is filled by a model that needs no label of the project."""
        return False

    def is_chosen(self, options: Mapping[str, Any]) -> bool:
        """Whether these options choose this pipeline."""
        value = options.get(self.chosen_by)
        return bool(self.chosen_by) and bool(value) and self.options[self.chosen_by].is_valid(value)

    def applies_to(self, config: LabelConfig) -> bool:
        """Whether the config has any object that the pipeline reads."""
        return True

    def validate_options(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """The options with defaults filled in. Raises UnknownOption or InvalidOption."""
        return validate(chosen, self.options)

    def required_label(self, options: Mapping[str, Any]) -> str | None:
        """The label that a target with these options needs to be trained; None: any."""
        return None

    def plan(
        self, targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory
    ) -> RunPlan:
        """Its parameters of a run; `options` have defaults. Called in the parent process.

        With the parameter CHALLENGER a run of that kind follows.
        """
        return RunPlan()

    def challenger_won(self, candidates: Sequence[CandidateRow]) -> bool:
        """Whether model selection took, for any target, a candidate that only challengers have.

        Without one a challenger makes no version.
        """
        return False

    @abstractmethod
    def read_model(self, parts: "Parts") -> "Model":
        """The model that its `to_parts` described. Raises ArtifactInvalid."""

    def merged(self, models: Sequence[Any]) -> "Model":
        """The models of several parts as one. Not called for a pipeline with `one_target`."""
        raise NotImplementedError

    @abstractmethod
    def predictor(self, model: Any) -> Predictor:
        """The model, ready to serve."""

    def load(self, content: bytes) -> Predictor:
        """The version in a verified artifact. Raises ArtifactInvalid or ArtifactFormatOld."""
        from mlapi.pipelines import artifact

        return self.predictor(self.read_model(artifact.unpack(content, self.name)))

    @abstractmethod
    def train(self, job: TrainingJob, progress: ProgressWriter) -> "TrainedPart":
        """Write the job's artifact, and return what it made; in a child process.

        Raises TrainingFailed.
        """

    @abstractmethod
    def learning_curve(
        self, job: TrainingJob, progress: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        """The learning curve of the version that `train` has left in the folder."""
