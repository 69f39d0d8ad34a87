"""What a pipeline is: one kind of labelling, from the label config to the answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from mlapi.domain import Answer, FeatureSource, Match, NoPrediction, TargetSpec
from mlapi.labelstudio.label_config import LabelConfig
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import LearningCurve, TrainingResult

if TYPE_CHECKING:  # they import numpy, which a label config is matched without
    from mlapi.pipelines.artifact import Model
    from mlapi.pipelines.parts import Parts


class Predictor(ABC):
    """A loaded version. Shared by all threads of a process."""

    targets: tuple[TargetSpec, ...]
    nbytes: int

    @abstractmethod
    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: FeatureSource | None = None,
    ) -> list[dict[str, Answer | NoPrediction]]:
        """For each task's data, what each trained target answers, by control name.

        `specs` are today's targets: where a control's input is now. Without them it is
        where it was in training. A control that is in none of today's specs is left out.
        `store` has the features of images; a version that reads texts does not ask it.
        Never raises for what a task holds.
        """


class RunHistory(Protocol):
    """What a pipeline may know of a run and of its project's earlier ones when it plans the run."""

    @property
    def is_start_training(self) -> bool:
        """Whether somebody pressed Start Training for it."""

    @property
    def has_version(self) -> bool:
        """Whether an earlier run of the project has made a version."""

    def candidates(self, most: int) -> Iterable[tuple[int, list[dict[str, Any]]]]:
        """Id and candidates of earlier runs that have some, the newest first, of so many runs."""


@dataclass(frozen=True)
class RunPlan:
    """What a pipeline decides before a run: its own parameters, and by name why they are so."""

    parameters: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


class Pipeline(ABC):
    """One kind of labelling.

    `opt_in`: it serves only projects whose options ask for it (`is_enabled`).
    `learns_from`: which tasks its datasets have. `counts`: what the policy counts before it
    trains. `policy`: the policy's defaults where they are others than a classifier's. `sees`:
    its inputs are the features of images. `may_abstain`: it rightly has no answer for many
    tasks. `modules`: what its first prediction imports, which
    a process lets one thread do, because EvaDB's modules import each other in circles.
    """

    name: str
    opt_in = False
    learns_from: Literal["labelled", "all"] = "labelled"
    counts: Literal["labels", "tasks"] = "labels"
    policy: ClassVar[Mapping[str, Any]] = {}
    uses_images = False
    may_abstain = False
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def match(self, config: LabelConfig, options: Mapping[str, Any]) -> Match:
        """The targets that it would fill, and why it does not fill the other controls.

        `options` are what the project has set, as it set it: a pipeline that is asked for by
        an option serves nothing without it.
        """

    @property
    @abstractmethod
    def option_names(self) -> frozenset[str]:
        """What a project can set for it."""

    @abstractmethod
    def validate_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options with defaults filled in. Raises UnknownOption or InvalidOption."""

    def applies_to(self, config: LabelConfig) -> bool:
        """Whether the config shows what the pipeline is about at all."""
        return True

    def is_enabled(self, options: Mapping[str, Any]) -> bool:
        """Whether the project's options ask for this pipeline and no other."""
        return False

    def required(
        self, targets: Sequence[TargetSpec], options: Mapping[str, Any]
    ) -> dict[str, str] | None:
        """By control the label without which there is nothing to learn; None: any will do."""
        return None

    @abstractmethod
    def read_input(self, task_data: dict[str, Any], target: TargetSpec) -> Any:
        """The target's input in a task. Raises InputError and nothing else."""

    @abstractmethod
    def input_key_parts(
        self, task_data: dict[str, Any], targets: Sequence[TargetSpec]
    ) -> list[str]:
        """The normalised inputs of the targets: tasks that are equal in them share a split."""

    def plan(self, options: Mapping[str, Any], history: RunHistory) -> RunPlan:
        """What it decides before a run; `options` are complete. In the parent process."""
        return RunPlan()

    @abstractmethod
    def read_model(self, parts: "Parts") -> "Model":
        """What the model's `to_parts` wrote. Raises ArtifactInvalid."""

    @abstractmethod
    def predictor(self, model: Any) -> Predictor:
        """The model, ready to serve."""

    def load(self, content: bytes) -> Predictor:
        """The version in a verified artifact. Raises ArtifactInvalid or ArtifactFormatOld."""
        from mlapi.pipelines import artifact

        return self.predictor(self.read_model(artifact.unpack(content, self.name)))

    @abstractmethod
    def train(self, job: TrainingJob, report: ProgressWriter) -> TrainingResult:
        """Write the job's artifact, and return the result; in a child process.

        Raises TrainingFailed.
        """

    @abstractmethod
    def learning_curve(
        self, job: TrainingJob, report: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        """That of the version whose artifact `train` left in the folder, and its result."""
