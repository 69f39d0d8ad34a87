"""The interface of an input: what a pipeline reads of a task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

from mlapi.domain import InputError, TargetSpec
from mlapi.images.features import InputSource

if TYPE_CHECKING:  # they import the database
    from django.db.models import QuerySet


class Preparation(Protocol):
    """Writes inputs that are not in tasks' data into a run's folder, and stores their vectors.

    `name` is the key of its counts in the run's `dataset_counts`, `phase` the run's phase during
    `prepare`, and `products` the noun for what `store` stores. Of what a first version goes
    without, so that it answers soon, the counts have LEFT (`registry.models.run`): the policy
    starts the next run at once.
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

    `medium` is the kind of content: inputs of one medium share keys and a run's preparation.
    `display_kind` is how pages show it, as a text or a thumbnail. `in_data` says that the task's
    data hold all of it, so that nothing is fetched. `batch_size` is the number of tasks that are
    predicted at once in the background. `setting_names` name its settings, which jobs and
    artifacts store.
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
        source: InputSource | None = None,
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
        """The settings by name, for jobs and artifacts; empty before options are applied."""
        return {}

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """The input with the settings of a job or an artifact; itself without any."""
        return self

    def for_options(self, options: Mapping[str, Any]) -> Self:
        """The input with the settings of a project's options. Raises TrainingFailed."""
        return self

    def of_version(self, extractor_name: str, options: Mapping[str, Any]) -> Self:
        """The input of a version, from its recorded extractor and the options of its run."""
        return self

    @property
    def extractor_name(self) -> str:
        """The full name of its extractor or encoder, as versions record it; "" for none."""
        return ""

    def source_in(self, folder: Path) -> InputSource | None:
        """The source of inputs in a run's folder; None for an input in the tasks' data."""
        return None

    def tasks_with_stored_input(self, project: int, most: int) -> "QuerySet | None":
        """At most `most` tasks (by id) with a stored input.

        None if all tasks have one, or if the database does not record it.
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
        may_leave: bool = False,
    ) -> Preparation | None:
        """What prepares a run for all of its inputs of this medium; None if nothing has to.

        `rows` are those of the dataset, and empty for an input that is in the data. What takes
        longer than the rest of the run it `may_leave` to the next one, which follows at once.
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
