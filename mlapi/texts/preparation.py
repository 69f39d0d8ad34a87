"""Prepares the vectors of a run's texts in its folder, and stores those that the training makes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from more_itertools import chunked

from mlapi.run_folder.dataset import DatasetFile
from mlapi.texts.embedding import (
    STORED,
    leave_to_the_next_run,
    read_vectors,
    work_of,
    write_vectors,
)
from mlapi.texts.store import TextVectorStore
from mlapi.texts.vectors import key
from registry.models.run import LEFT

_ROWS = 2_000  # vectors in memory at once
# Two seconds on two cores, some 300 short texts; by no clock, as `embed_texts`.
_WORK_OF_A_FIRST_VERSION = 40_000


@dataclass
class TextPreparation:
    """The texts of one run, for the encoders of `stores`; `texts_of` gives those of a task.

    A run that `may_leave` them makes no vectors where they would take longer than all the rest.
    """

    name: ClassVar[str] = "texts"
    phase: ClassVar[str] = "looking up sentence vectors"
    products: ClassVar[str] = "sentence vectors"

    folder: Path
    stores: list[TextVectorStore]
    texts_of: Callable[[Any], list[str]]
    may_leave: bool = False
    counts: dict[str, Any] = field(default_factory=dict)

    def prepare(self, check: Callable[[], None], seconds: float) -> None:
        """Writes the stored vectors; `check` is called often, and raises to stop."""
        work = {key(text): work_of(text) for _, texts in self._tasks() for text in texts}
        for place, store in enumerate(self.stores):
            found, missing = 0, sum(work.values())
            for number, some in enumerate(chunked(sorted(work), _ROWS)):
                check()
                vectors = store.vectors(some)
                found += len(vectors)
                missing -= sum(work[one] for one in vectors)
                if vectors:
                    name = f"{STORED}-{place}-{number}"
                    write_vectors(self.folder, name, store.encoder, vectors)
            if store is self.stores[0]:
                self.counts |= {"texts": len(work), "cached": found}
                if self.may_leave and missing > _WORK_OF_A_FIRST_VERSION:
                    self.counts[LEFT] = len(work) - found
                    leave_to_the_next_run(self.folder)

    def prepare_stored(self) -> None:
        """Nothing: a load check encodes its few texts."""

    def store(self) -> None:
        """Store the vectors that the child has made, also if it failed or was stopped."""
        self.counts["encoded"] = 0
        tasks: dict[int, list[str]] = {}
        for store in self.stores:
            made = {
                one: vector
                for name, encoder, found in read_vectors(self.folder)
                if encoder == store.encoder.encoder_name and not name.startswith(STORED)
                for one, vector in found.items()
            }
            self.counts["encoded"] += len(made)
            if made:
                tasks = tasks or dict(self._tasks())
                store.save(tasks, made)

    def prepared_text(self) -> str:
        found = f"{self.counts['cached']:,} of {self.counts['texts']:,} texts have sentence vectors"
        if LEFT in self.counts:
            return (
                f"{found}; the others get theirs in the next run, so that this one takes seconds."
            )
        return f"{found}."

    def stored_text(self) -> str:
        return f"{self.counts['encoded']:,} texts encoded."

    def _tasks(self) -> Iterator[tuple[int, list[str]]]:
        """Each task of the dataset, by its id, with its texts."""
        for row in DatasetFile(self.folder):
            yield row["id"], self.texts_of(row["data"])
