"""What a pipeline is: one kind of labelling, from the label config to the answer."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from registry.errors import EvalsError

if TYPE_CHECKING:
    import numpy as np

    from mlapi.labelstudio.label_config import LabelConfig
    from mlapi.run_folder.progress_writer import Reporter

Kind = Literal["single", "multiple"]


class UnknownOption(EvalsError):
    """The project's options hold a name that its pipeline does not have."""

    code = "option_unknown"
    status = 400


class InvalidOption(EvalsError):
    """An option of the project has a value that its pipeline cannot use."""

    code = "option_invalid"
    status = 400


class TrainingFailed(EvalsError):
    """A training that cannot end in a version, with the cause as its code."""

    status = 409

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class InputProblem(Exception):  # noqa: N818 - not a failure: the task is answered with no prediction
    """Why one task has no input that a target can be predicted from."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class TargetSpec:
    """A control tag that a pipeline can fill, and where its input is.

    `labels` are what a result holds (aliases where there are some); none for a control that
    takes any words. The two keys are those of Paragraphs: where a turn of the dialogue has its
    text and its author.
    """

    name: str
    object_name: str
    object_tag: str
    field: str
    kind: Kind
    labels: tuple[str, ...]
    text_key: str = "text"
    author_key: str = "author"
    control_tag: str = "Choices"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "labels": list(self.labels)}

    def told(self, untrained_reason: str = "") -> dict[str, Any]:
        """As a row of `targets` in result.json; with a reason it is one that was not trained."""
        names = ("name", "object_name", "object_tag", "field", "kind")
        return {
            **{name: getattr(self, name) for name in names},
            "labels": list(self.labels),
            "trained": not untrained_reason,
            "untrained_reason": untrained_reason,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TargetSpec":
        """From `to_dict`'s or a stored Target's fields; others are left out."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        return cls(**{**known, "labels": tuple(values["labels"])})


@dataclass(frozen=True)
class Unserved:
    """A control tag that a pipeline does not fill; `message` is one ASCII line of our own words."""

    control: str
    code: str
    message: str


@dataclass(frozen=True)
class Match:
    """What a pipeline makes of a label config; `pipeline` is "" where nothing can be served.

    `purpose` is what the targets are filled with beside their labels, where an option says so:
    other words are another thing to learn.
    """

    pipeline: str
    targets: tuple[TargetSpec, ...]
    unserved: tuple[Unserved, ...] = ()
    purpose: str = ""


@dataclass(frozen=True)
class Answer:
    """What a model says: one label, or a set of them for `multiple`; `score` within 0..1."""

    target: str
    value: str | tuple[str, ...]
    score: float
    kind: Kind = "single"


@dataclass(frozen=True)
class Problem:
    """Why a model says nothing."""

    target: str
    code: str
    message: str


@dataclass(frozen=True)
class ExtractorRef:
    """What makes vectors of pictures: as the option `features` names it, and the name that also
    tells its version and its weights.
    """

    features: str
    name: str


@dataclass(frozen=True)
class TrainingJob:
    """A run as its child process sees it: `job.json`, and the folder that it works in."""

    folder: Path
    project: int
    run: int
    number: int
    pipeline: str
    targets: tuple[TargetSpec, ...]
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    time_budget_s: float = 60
    automl: bool = False
    automl_note: str = ""
    champion: dict[str, Any] | None = None
    extractor: ExtractorRef | None = None

    @classmethod
    def read(cls, folder: Path) -> "TrainingJob":
        values = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        targets = tuple(TargetSpec.from_dict(t) for t in values["targets"])
        found = values.get("extractor")
        extractor = ExtractorRef(**found) if found else None
        return cls(**{**known, "folder": folder, "targets": targets, "extractor": extractor})

    @property
    def artifact(self) -> Path:
        return self.folder / "artifact.bin"

    @property
    def prefix(self) -> str:
        """Of the names of this run's EvaDB tables and functions; never used twice."""
        return f"p{self.project}_r{self.run}"

    def rows(self) -> list[dict[str, Any]]:
        """The frozen dataset, ordered by task so that its order decides nothing."""
        with open(self.folder / "dataset.jsonl", encoding="utf-8") as lines:
            return sorted((json.loads(line) for line in lines), key=lambda row: row["id"])


class FeatureStore(Protocol):
    """Feature vectors of the pictures that tasks name: kept ones, and those that it can make."""

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> "list[np.ndarray | InputProblem]":
        """For each address a float32 vector, or why there is none. Raises nothing else."""


class Predictor(ABC):
    """A loaded version. Shared by all threads of a process."""

    targets: tuple[TargetSpec, ...]
    nbytes: int

    @abstractmethod
    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: FeatureStore | None = None,
    ) -> list[dict[str, Answer | Problem]]:
        """For each task's data, what each trained target answers, by control name.

        `specs` are today's targets: where a control's input is now. Without them it is
        where it was in training. A control that is in none of today's specs is left out.
        `store` has the features of pictures; a version that reads texts does not ask it.
        Never raises for what a task holds.
        """


class Pipeline(ABC):
    """One kind of labelling.

    `only_if_asked`: it serves only projects whose options ask for it (`is_asked`).
    `learns_from`: which tasks its datasets have. `counts`: what the policy counts before it
    trains. `policy`: the policy's defaults where they are others than a classifier's. `sees`:
    its inputs are the features of pictures. `may_be_silent`: it rightly has no answer for many
    tasks. `modules`: what its first prediction imports, which
    a process lets one thread do, because EvaDB's modules import each other in circles.
    """

    name: str
    only_if_asked = False
    learns_from: Literal["labelled", "all"] = "labelled"
    counts: Literal["labels", "tasks"] = "labels"
    policy: ClassVar[Mapping[str, Any]] = {}
    sees = False
    may_be_silent = False
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def match(self, config: "LabelConfig", options: Mapping[str, Any]) -> Match:
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

    def sees_in(self, config: "LabelConfig") -> bool:
        """Whether the config shows what the pipeline is about at all."""
        return True

    def is_asked(self, options: Mapping[str, Any]) -> bool:
        """Whether the project's options ask for this pipeline and no other."""
        return False

    def required(
        self, targets: Sequence[TargetSpec], options: Mapping[str, Any]
    ) -> dict[str, str] | None:
        """By control the label without which there is nothing to learn; None: any will do."""
        return None

    @abstractmethod
    def read_input(self, task_data: dict[str, Any], target: TargetSpec) -> Any:
        """The target's input in a task. Raises InputProblem and nothing else."""

    @abstractmethod
    def input_key_parts(
        self, task_data: dict[str, Any], targets: Sequence[TargetSpec]
    ) -> list[str]:
        """The normalised inputs of the targets: tasks that are equal in them share a split."""

    @abstractmethod
    def load(self, path: Path) -> Predictor:
        """The version in a verified artifact."""

    @abstractmethod
    def train(self, job: TrainingJob, report: "Reporter") -> None:
        """Write `artifact.bin` and `result.json`; in a child process. Raises TrainingFailed."""

    @abstractmethod
    def learning_curve(self, job: TrainingJob, report: "Reporter") -> None:
        """Write `curve.json` for the version that `train` left in the folder."""
