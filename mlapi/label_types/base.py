"""The interface of a label type."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from mlapi.domain import Prediction, ScoredValue, TargetSpec
from registry.training_result import MetricRow

if TYPE_CHECKING:
    import numpy as np

V = TypeVar("V")
# A metric under each row of weights (rows, n) of the tasks: (rows,), NaN where it is undefined.
Score = Callable[["np.ndarray"], "np.ndarray"]


class Control(Protocol):
    """What a label type needs to know of a control tag of a label config."""

    @property
    def tag(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def paths(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def takes_several(self) -> bool: ...
    @property
    def writes_paths(self) -> bool: ...
    @property
    def nested(self) -> bool: ...
    @property
    def dynamic(self) -> bool: ...
    @property
    def drawn_by(self) -> Mapping[str, str]: ...


class Region(NamedTuple):
    """What is particular in a result of Label Studio: its type and value, and a score.

    `fields` are others beside these. It is of the control that is written, or of another `control`
    by name. Results with the `same_id` as the one before are of one region with it.
    """

    type: str
    value: dict[str, Any]
    score: float
    fields: Mapping[str, Any] = MappingProxyType({})
    control: str = ""
    same_id: bool = False


class Outline(NamedTuple):
    """Where an object of a value is, in percent of the task's image, to be drawn over it."""

    label: str
    x: float
    y: float
    width: float
    height: float
    score: float | None = None


@dataclass(frozen=True)
class Evaluated(Generic[V]):
    """The rows that metrics are computed from: the humans' values and a version's.

    `labels` are those that the version has learned, `unlearned` the config's others, `baseline` the
    most common value of the training split, `probabilities` (n, labels) where the model gives
    them: what a row lacks to 1 belongs to the unlearned in equal parts. A metric that fails is
    undefined, and the `log` has the reason.
    """

    truth: Sequence[V]
    predicted: Sequence[V | None]
    labels: Sequence[str]
    unlearned: Sequence[str] = ()
    baseline: V | None = None
    probabilities: "np.ndarray | None" = None
    seed: int = 0
    log: Callable[[str], object] = lambda text: None


class LabelType(ABC, Generic[V]):
    """What a label is. `name` is the `kind` of the targets that have it.

    `tags` are the control tags that it is written into. Models can be trained on any label type
    with the same `shape`: for `single` a value is one label, for `multiple` a set of them, and any
    other label type has a shape of its own. With `several` a value has any number of classes, also
    none. With `localized` it is of objects, each with its place in the task: what has none of a
    class is in every task. `metric`, the first of `scores`, is what versions are compared by.
    `correct_from` is the agreement from which a prediction is correct.
    """

    name: ClassVar[str]
    tags: ClassVar[tuple[str, ...]]
    shape: ClassVar[str]
    several: ClassVar[bool]
    localized: ClassVar[bool] = False
    metric: ClassVar[str]
    correct_from: ClassVar[float] = 1.0

    def fits(self, control: Control) -> bool:
        """Whether this is what annotators write into the control."""
        return control.tag in self.tags

    @abstractmethod
    def read(self, regions: Sequence[Mapping[str, Any]], target: TargetSpec) -> V | None:
        """The value in a control's regions of one annotation; None for none that is allowed."""

    @abstractmethod
    def consensus(self, votes: Sequence[V]) -> V | None:
        """The value that annotators agree on, by one value of each; None for a tie."""

    @abstractmethod
    def value(self, regions: Sequence[ScoredValue]) -> V | None:
        """The value that the regions of a prediction amount to; None for no value."""

    def prediction(
        self, target: str, value: V, score: float, margin: float | None = None
    ) -> Prediction:
        """The prediction of one value; of no region where the value is that there is nothing."""
        regions = (ScoredValue(value, score),) if self.classes(value) else ()
        return Prediction(target, self.name, regions, score, margin)

    @abstractmethod
    def write(self, regions: Sequence[ScoredValue], control: Control) -> list[Region] | None:
        """The regions for Label Studio; None if the control does not take them all."""

    @abstractmethod
    def classes(self, value: V) -> list[str]:
        """The classes in a value, each once."""

    @abstractmethod
    def renamed(self, value: V, names: Mapping[str, str]) -> V:
        """The value with other names of its classes, for those that `names` has."""

    def renamed_region(self, region: Any, names: Mapping[str, str]) -> Any:
        """The value of one region of a prediction with other names of its classes."""
        return self.renamed(region, names)

    def to_json(self, value: V) -> Any:
        """As tasks, datasets and outcomes hold it."""
        return value

    def exported(self, value: V) -> Any:
        """As a version outside of the backend answers it, in JSON."""
        return self.to_json(value)

    @abstractmethod
    def from_json(self, stored: Any) -> V | None:
        """The value that `to_json` gave; None for what is no value of this label type."""

    def is_allowed(self, value: V, labels: Iterable[str]) -> bool:
        """Whether a control with these labels takes the value; one without labels takes any."""
        allowed = set(labels)
        return not allowed or allowed.issuperset(self.classes(value))

    @abstractmethod
    def agreement(self, predicted: V, human: V) -> float:
        """How far two values agree, within 0..1; True and False where it is all or nothing."""

    def is_correct(self, predicted: V | None, human: V) -> bool:
        """Whether the prediction counts as correct; no prediction does not."""
        return predicted is not None and self.agreement(predicted, human) >= self.correct_from

    def pairs(self, predicted: V | None, human: V) -> list[tuple[str, str]]:
        """The classes (human, predicted) of each object, "" where it has no counterpart.

        Of a `localized` type only.
        """
        raise NotImplementedError

    def outlines(self, value: V) -> list[Outline]:
        """Where the objects of a value are; none of what has no place in an image."""
        return []

    @abstractmethod
    def metrics(self, evaluated: Evaluated[V]) -> list[MetricRow]:
        """The metrics of a target, without its name; what `registry.metrics` has of them holds."""

    @abstractmethod
    def scores(self, truth: Sequence[V], predicted: Sequence[V | None]) -> dict[str, Score]:
        """The metrics by which two versions are compared on the same tasks, `metric` first."""
