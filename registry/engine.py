"""The engine's interface. The registry reaches mlapi only here and in queue.py."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    import numpy as np

    from registry.models import ModelVersion, Project, Task


# A metric under each row of weights (rows, n) of the tasks: (rows,), NaN where it is undefined.
Score = Callable[["np.ndarray"], "np.ndarray"]


# JSON a line, and what Label Studio imports.
DATASET_FORMS = ("jsonl", "labelstudio")


@dataclass(frozen=True)
class Neighbour:
    """A task (by id) similar to another, and the cosine of their features."""

    task: int
    cosine: float


@dataclass(frozen=True)
class AnnotatorLabel:
    """An annotator's label for a control, stored as a task's label is; `kind` is its type."""

    annotator: int
    control: str
    kind: str
    value: Any


class Outline(Protocol):
    """An object of a value, in percent of the task's image; `score` is a model's."""

    @property
    def label(self) -> str: ...

    @property
    def x(self) -> float: ...

    @property
    def y(self) -> float: ...

    @property
    def width(self) -> float: ...

    @property
    def height(self) -> float: ...

    @property
    def score(self) -> float | None: ...


@dataclass(frozen=True)
class OptionField:
    """An option that applies to a project, or to one `control` of it, as it is entered.

    `choices` are its values with titles, where they are known; `is_whole` and `is_number` a number
    from `low` to `high`; else it is a text. A `default` of None is each pipeline's own.
    """

    name: str
    control: str
    title: str
    help: str
    default: Any = None
    choices: Sequence[tuple[Any, str]] = ()
    is_whole: bool = False
    is_number: bool = False
    low: float | None = None
    high: float | None = None


class LabelType(Protocol):
    """What reports need to know of the values of a kind of target.

    `several`: a value has any number of classes, also none, rather than one. `localized`: it is of
    objects, each with its place. `metric` is what versions are compared by.
    """

    @property
    def several(self) -> bool: ...

    @property
    def localized(self) -> bool: ...

    @property
    def metric(self) -> str: ...

    def from_json(self, stored: Any) -> Any:
        """The value that is stored in a task or outcome."""

    def to_json(self, value: Any) -> Any:
        """The value as it is stored."""

    def renamed(self, value: Any, names: Mapping[str, str]) -> Any:
        """The value with other names of its classes, for those that `names` has."""

    def is_correct(self, predicted: Any, human: Any) -> bool:
        """Whether a value counts as correct; None, no prediction, does not."""

    def agreement(self, predicted: Any, human: Any) -> float:
        """How far two values agree, within 0..1."""

    def pairs(self, predicted: Any, human: Any) -> list[tuple[str, str]]:
        """The classes (human, predicted) of each object of a `localized` value; "" for none."""

    def outlines(self, value: Any) -> Sequence[Outline]:
        """Where the objects of a value are in the task's image; none of other values."""

    def scores(self, truth: Sequence[Any], predicted: Sequence[Any]) -> Mapping[str, Score]:
        """The metrics by which two versions are compared on the same tasks, `metric` first."""


class Engine(Protocol):
    """Implemented by `mlapi.engine.Engine`, named by `settings.REGISTRY_ENGINE`."""

    def check_connection(self, project: "Project") -> dict[str, Any]:
        """Try each step to Label Studio; return and store what `Project.connection` holds.

        Raises EvalsError beside another check of this process, and where the credentials were set
        meanwhile: then nothing is stored.
        """

    def validate_options(self, project: "Project", options: dict[str, Any]) -> dict[str, Any]:
        """The options with defaults filled in; raises EvalsError naming the one that is wrong."""

    def options(self, project: "Project") -> list[OptionField]:
        """The options that apply to the project's label config; those of single controls last."""

    def describe_tasks(self, project: "Project", tasks: "Sequence[Task]") -> list[dict[str, Any]]:
        """What admin and REST display of each task, in the tasks' order.

        `{"kind", "text", "url": in Label Studio or None}`: `kind` is `text`, or `image` where
        there is a thumbnail; the text of that is its address.
        """

    def save_tab(self, project: "Project", tasks: "Sequence[int]") -> int:
        """Make the project's tab of tasks to label next, by Label Studio's ids, or refresh it.

        Returns Label Studio's id of the tab. Raises EvalsError where it cannot be reached.
        """

    def unserved_controls(self, project: "Project") -> list[dict[str, str]]:
        """`{"control", "code", "message"}` of each control that no pipeline fills."""

    def missing_package(self, projects: "Sequence[Project]") -> tuple[str, str] | None:
        """Message and cure of a package that one of the projects lacks here; None where none does.

        A project lacks a package with which it would be learned better. Without a query.
        """

    def label_type(self, kind: str) -> LabelType:
        """The label type of a target's `kind`. Raises KeyError."""

    def tasks_annotated(self, project: "Project", control: str, label: str) -> int:
        """The number of mirrored tasks with an annotation that has this label for the control."""

    def annotator_labels(
        self, project: "Project", tasks: "Sequence[Task]"
    ) -> list[list[AnnotatorLabel]]:
        """For each task the label of each annotator for each control, by today's label config."""

    def thumbnail(self, task: "Task", *, large: bool = False) -> bytes:
        """A small JPEG of the task's image, or a larger one; EvalsError where there is none."""

    def similar(self, task: "Task", k: int) -> list[Neighbour]:
        """The k tasks of its project whose images are most like it, the most similar first.

        Raises EvalsError where nothing is known of the task's image.
        """

    def export(self, version: "ModelVersion") -> BufferedIOBase:
        """A zip of a folder that predicts as the version does, without the engine.

        Raises EvalsError where the version cannot be exported.
        """

    def dataset(self, version: "ModelVersion", form: str) -> Iterator[bytes]:
        """The tasks and labels that the version learned from, in pieces, as one of DATASET_FORMS.

        Raises EvalsError before the first piece.
        """

    def webhook_host(self, url: str) -> str:
        """The host of a webhook's URL. Raises EvalsError where that may not be called."""

    def policy_statuses(self, projects: "Sequence[Project]") -> dict[int, dict[str, Any]]:
        """By project id, what the policy waits for, as state and text.

        `{"state", "reason", "trigger", "usable", "changed", "needed", "run_id", "enabled"}`, in
        a number of queries that does not grow with the projects. `usable` may be None: counting
        it for every project costs too much.
        """


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The configured engine."""
    return import_string(settings.REGISTRY_ENGINE)()
