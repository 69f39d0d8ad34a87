"""What the examples of a classifier are: texts, say, or the feature vectors of images."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, NamedTuple

from mlapi.domain import ExtractorRef, TargetSpec
from mlapi.pipelines.classification.numeric_columns import NumericColumns
from mlapi.pipelines.classification.recipes import Recipe


class Example(NamedTuple):
    """An input, and a key that is equal for inputs whose differences make no difference."""

    value: Any
    key: str


class Modality(ABC):
    """How a training reads its inputs, stores them in EvaDB and learns from them."""

    pipeline: ClassVar[str]
    noun: ClassVar[str]  # what one input is called
    column: ClassVar[str]  # of the run's tables; with a number from the second one on
    column_type: ClassVar[str]  # as in mlapi.eva.tables
    recipes: ClassVar[tuple[Recipe, ...]]
    extractor: ExtractorRef | None = None  # what made vectors of the inputs, if they are vectors

    @abstractmethod
    def source(self, target: TargetSpec) -> Hashable:
        """Where a target's inputs are: targets of one source share a column."""

    @abstractmethod
    def read(self, data: dict[str, Any], target: TargetSpec) -> Example | None:
        """The target's input in a task's data; None if it has none that can be read."""

    @abstractmethod
    def fit_columns(self, inputs: Sequence[Any], seed: int) -> NumericColumns:
        """The columns on which AutoML learns."""

    def seen_by(self, extractor: ExtractorRef | None) -> "Modality":
        """The same examples as another extractor sees them; themselves where none is needed."""
        return self

    def columns_take_too_long(self, inputs: Sequence[Any]) -> bool:
        """Whether `fit_columns` would take minutes."""
        return False
