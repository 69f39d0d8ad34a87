"""The interface of an input: what a pipeline reads of a task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

from mlapi.domain import InputError, TargetSpec
from mlapi.images.features import ImageSource

if TYPE_CHECKING:  # they import the database
    from django.db.models import QuerySet


class Preparation(Protocol):
    """Brings what is not in tasks' data into a run's folder, and stores what was made of it.

    `name` is that of its counts in those of the run, `phase` what the run does meanwhile, and
    `products` what the training makes.
    """

    name: ClassVar[str]
    phase: ClassVar[str]
    products: ClassVar[str]
    counts: dict[str, Any]

    def prepare(self, check: Callable[[], None], seconds: float) -> None:
        """Write it, fetched in at most so many seconds; `check` raises to stop.

        Raises EvalsError where the run cannot go on without it.
        """

    def prepare_stored(self) -> None:
        """Write what is stored already, for the load check of a version."""

    def store(self) -> None:
        """Store what the training has made, also if it failed or was stopped."""

    def prepared_text(self) -> str:
        """What the run's log says after `prepare`."""

    def stored_text(self) -> str:
        """What the run's log says after `store`."""


class Input(ABC):
    """What a pipeline reads of a task for a target; several fields of one target are one input.

    `medium` is what it reads: inputs of one medium share keys and the preparation of a run.
    `display_kind`: what pages show, a text or a thumbnail. `in_data`: the task's data hold all of
    it, so that nothing has to be fetched. `batch_size`: of tasks that are predicted in the
    background. `setting_names` are the names of its settings, which a job and a version's artifact
    have.
    """

    medium: ClassVar[str]
    display_kind: ClassVar[Literal["text", "image"]] = "text"
    in_data: ClassVar[bool] = True
    batch_size: ClassVar[int] = 200
    setting_names: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def read(self, task_data: dict[str, Any], target: TargetSpec) -> Any:
        """The target's input in a task's data; of what is not in the data, its address.

        Raises InputError and nothing else.
        """

    @abstractmethod
    def key(self, value: Any) -> str:
        """What `read` returned, normalised: equal for inputs that count as the same."""

    def keys(self, task_data: dict[str, Any], targets: Sequence[TargetSpec]) -> list[str]:
        """One key for each distinct input, "" where it cannot be read.

        Tasks that are equal in them share a split.
        """
        return [self._key(task_data, target) for target in distinct_inputs(targets)]

    def read_all(
        self,
        rows: Sequence[dict[str, Any]],
        target: TargetSpec,
        source: ImageSource | None = None,
    ) -> list[Any]:
        """What a model reads of each task's data, or the InputError why there is none.

        `source` has what is not in the data; see `source_in`.
        """
        return [self._read(row, target) for row in rows]

    def display_text(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        """What pages show of it: its text, or the address of what has a thumbnail.

        Raises InputError.
        """
        return str(self.read(task_data, target))

    def thumbnail(
        self, project: Any, task_data: dict[str, Any], target: TargetSpec, *, large: bool = False
    ) -> bytes | None:
        """A small JPEG of it; None where there is nothing to see. Raises NoThumbnail."""
        return None

    @property
    def settings(self) -> dict[str, str]:
        """How it reads, by `setting_names`; empty before it is chosen."""
        return {}

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """The input with the settings of a job or an artifact; itself without any."""
        return self

    def for_options(self, options: Mapping[str, Any]) -> Self:
        """The input as a project's options choose it. Raises TrainingFailed."""
        return self

    def of_version(self, extractor_name: str, options: Mapping[str, Any]) -> Self:
        """The input of a version, of which `extractor_name` and its run's options are recorded."""
        return self

    @property
    def extractor_name(self) -> str:
        """The full name of what makes vectors of it, as versions record it; "" for none."""
        return ""

    def source_in(self, folder: Path) -> ImageSource | None:
        """What a run's folder has beside the tasks' data; None for an input that is in them."""
        return None

    def tasks_with_stored_input(self, project: int, most: int) -> "QuerySet | None":
        """The tasks (by id) whose input is stored; None where that is so of all of them, or where
        the database cannot tell.
        """
        return None

    @classmethod
    def preparation(
        cls,
        project: Any,
        folder: Path,
        inputs: Sequence["Input"],
        targets: Sequence[TargetSpec],
        rows: Iterable[dict[str, Any]],
    ) -> Preparation | None:
        """What prepares a run for all of its inputs of this medium; None if nothing has to.

        `rows` are those of the dataset, and empty for an input that is in the data.
        """
        return None

    def _read(self, task_data: dict[str, Any], target: TargetSpec) -> Any:
        try:
            return self.read(task_data, target)
        except InputError as error:
            return error

    def _key(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        value = self._read(task_data, target)
        return "" if isinstance(value, InputError) else self.key(value)


def distinct_inputs(targets: Sequence[TargetSpec]) -> list[TargetSpec]:
    """A target for each distinct input, in an order that the targets' own does not matter for."""
    # Of one input the tag that comes last reads: a Pairwise reads it in another way than Choices.
    by_tag = sorted(targets, key=lambda target: target.control_tag)
    distinct = {(t.field, t.object_tag, t.text_key, t.author_key, t.inputs): t for t in by_tag}
    return [distinct[key] for key in sorted(distinct)]
