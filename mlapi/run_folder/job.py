"""The job of a training or conversion: written by the parent process, read by its children."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from mlapi.domain import Stored, TargetSpec
from mlapi.run_folder import json_file
from mlapi.run_folder.dataset import DatasetFile, Row

_NAME = "job.json"
_NOT_WRITTEN = {"folder", "elsewhere", "dataset"}


def _name(part: int) -> str:
    return _NAME if part == 1 else f"job_{part}.json"


@dataclass(frozen=True)
class Champion:
    """The version that serves, which the new one is evaluated beside.

    `artifact` names no file where the store has none: the champion then counts as not loadable.
    `inputs` are, by pipeline, the settings of what it reads. `names` are, by control, today's names
    of the labels that have been renamed since. `out_of_fold` are, by control and task id, its
    predictions for training tasks by estimators that had not seen them.
    """

    label: str
    number: int
    pipeline: str
    artifact: Stored
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    out_of_fold: dict[str, dict[str, Any]] = field(default_factory=dict)


# By control and task of the holdout, the labels that are predicted.
Chosen = Mapping[str, Mapping[int, Collection[str]]]


@dataclass(frozen=True)
class ChosenElsewhere:
    """What the new version and the champion choose in controls that other parts fill.

    By it a part knows which of its controls they would show.
    """

    new: Chosen = field(default_factory=dict)
    champion: Chosen = field(default_factory=dict)


@dataclass(frozen=True)
class ConversionJob:
    """An artifact of an old format, and the pipeline that it is to be converted for."""

    artifact: Stored
    pipeline: str

    @classmethod
    def read(cls, folder: Path) -> "ConversionJob":
        """The job in a folder. Raises RunFileInvalid."""
        return json_file.read(folder / _NAME, cls)

    def write(self, folder: Path) -> None:
        json_file.write(folder / _NAME, self)


@dataclass(frozen=True)
class TrainingJob:
    """The pipeline, targets and options of a part of the version that a run makes, and its folder.

    The jobs of all parts are in one folder: this is number `part` of `parts`. Where one pipeline
    has several of them, `part_name` tells those apart.

    `parameters` are what the pipeline decided when the run began, and `notes` the reasons by
    parameter. `time_budget_s` is what AutoML may use, and after `time_limit_s` the run is ended.
    `input` are the settings of what it reads (`mlapi/inputs/`). `elsewhere` is known only within
    the run's child, where other parts come before. `dataset` is what the jobs of all parts share.
    """

    folder: Path
    project: int
    run: int
    number: int
    pipeline: str
    targets: tuple[TargetSpec, ...]
    options: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    time_budget_s: float = 60
    time_limit_s: float = 1800
    champion: Champion | None = None
    input: dict[str, str] = field(default_factory=dict)
    learns_from: Literal["labelled", "all"] = "all"
    part: int = 1
    parts: int = 1
    part_name: str = ""
    elsewhere: ChosenElsewhere = field(default_factory=ChosenElsewhere)
    dataset: DatasetFile | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read_all(cls, folder: Path) -> "tuple[TrainingJob, ...]":
        """The jobs of all parts, which share the rows of the dataset. Raises RunFileInvalid."""
        shared = {"folder": folder, "dataset": DatasetFile(folder)}
        first = json_file.read(folder / _NAME, cls, **shared)
        others = range(2, first.parts + 1)
        return (first, *(json_file.read(folder / _name(n), cls, **shared) for n in others))

    def write(self) -> None:
        """Write it into its folder."""
        names = (f.name for f in fields(self) if f.name not in _NOT_WRITTEN)
        values = {name: getattr(self, name) for name in names}
        json_file.write(self.folder / _name(self.part), values)

    @property
    def name(self) -> str:
        """The name of the part in the version's artifact."""
        return self.part_name or self.pipeline

    @property
    def artifact(self) -> Path:
        """What its pipeline writes: a part of the version's artifact, or all of it."""
        return self.folder / f"artifact{self._suffix}.bin"

    @property
    def champion_input(self) -> dict[str, str]:
        """The settings of what the champion's part of the same pipeline reads; {} without one."""
        return self.champion.inputs.get(self.pipeline, {}) if self.champion else {}

    def chosen_elsewhere(self, version: int) -> Chosen:
        """Of the new version or the champion, by the number of the version."""
        return self.elsewhere.new if version == self.number else self.elsewhere.champion

    @property
    def prefix(self) -> str:
        """Of the names of this run's EvaDB tables and functions; never used twice."""
        return f"p{self.project}_r{self.run}{self._suffix}"

    def function(self, number: int) -> str:
        """The name of the EvaDB function of a version of the project."""
        return f"p{self.project}_v{number}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return f"_{self.part}" if self.parts > 1 else ""

    @cached_property
    def rows(self) -> list[Row]:
        """The frozen dataset, ordered by task.

        Of several parts those that learn from labels have the tasks with a label of theirs.
        """
        rows = (self.dataset or DatasetFile(self.folder)).rows
        if self.parts == 1 or self.learns_from == "all":
            return rows
        own = {target.name for target in self.targets}
        return [row for row in rows if row["split"] and own & set(row["labels"])]

    @property
    def data(self) -> list[dict[str, Any]]:
        """The tasks' data of the rows."""
        return [row["data"] for row in self.rows]
